package dev.graft.search;

import dev.graft.memory.MemoryUse;

/**
 * A pipeline stage of a plan.
 *
 * @param layers how many it has
 * @param recomputed how many of them are recomputed whole
 * @param forward seconds of a micro-batch's forward pass
 * @param backward seconds of its backward pass, recomputed layers included
 * @param memory of a rank at its fullest
 * @param device the name of its devices
 * @param limit bytes that a device may hold
 */
public record StagePlan(
    int layers,
    int recomputed,
    double forward,
    double backward,
    MemoryUse memory,
    String device,
    double limit) {}
