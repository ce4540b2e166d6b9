/**
 * The demo: a corpus from a grammar of its own, a small dense model, and one budget of tokens spent
 * three ways.
 */
package dev.graft.demo;
