/** From answers to scores: filters, metrics, means and how certain they are. */
package dev.graft.score;
