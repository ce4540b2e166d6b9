/** What a language model is asked in an evaluation, and the engine's answers. */
package dev.graft.lm;
