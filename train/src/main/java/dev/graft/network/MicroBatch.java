package dev.graft.network;

import java.util.Optional;

/**
 * The tokens of one micro-batch: one routing group.
 *
 * @param sequences B
 * @param length S
 * @param ids row-major [B, S]
 * @param targets the next token of each position, row-major [B, S]
 * @param lossMask 1 where a target counts, row-major [B, S]; empty means all do
 * @param documents document of each position, row-major [B, S], where packed documents must not see
 *     each other
 */
public record MicroBatch(
    int sequences,
    int length,
    long[] ids,
    long[] targets,
    Optional<float[]> lossMask,
    Optional<int[]> documents) {
  /** Targets that count. */
  public double counted() {
    if (lossMask.isEmpty()) {
      return (double) sequences * length;
    }
    double sum = 0;
    for (float m : lossMask.get()) {
      sum += m;
    }
    return sum;
  }
}
