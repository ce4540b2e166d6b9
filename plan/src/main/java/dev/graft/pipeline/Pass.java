package dev.graft.pipeline;

/**
 * One pass of one micro-batch through one stage, as simulated.
 *
 * @param stage from 0
 * @param chunk of the stage, from 0; always 0 without interleaving
 * @param microBatch from 0
 * @param isForward false: the backward pass
 * @param start seconds since the step began
 * @param end seconds since the step began
 */
public record Pass(
    int stage, int chunk, int microBatch, boolean isForward, double start, double end) {}
