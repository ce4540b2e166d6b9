/** Benchmarks as declarative files, and the questions that they ask of a model. */
package dev.graft.task;
