/**
 * A training run on one process: recipe, schedule, optimiser, steps, validation, checkpoints and
 * their resumption.
 */
package dev.graft.loop;
