package dev.graft.text;

import java.util.Optional;

/**
 * Sequences of tokens and what follows each.
 *
 * @param size B sequences
 * @param sequenceLength S
 * @param ids row-major [B, S]
 * @param targets the next token of each position, row-major [B, S]
 * @param lossMask 1 where a target counts, row-major [B, S]; empty means all do
 * @param documents a number per document, row-major [B, S], where packed documents must not see
 *     each other
 */
public record Batch(
    int size,
    int sequenceLength,
    long[] ids,
    long[] targets,
    Optional<float[]> lossMask,
    Optional<int[]> documents) {}
