package dev.graft.cost;

/**
 * What the training software is known to do, where runs of the same mesh differ by it.
 *
 * @param fusedAttention whether scores stay on the chip (FlashAttention, arXiv 2205.14135)
 * @param hidesTensorParallel whether TP exchanges run under the products beside them
 * @param hidesDataParallel whether gradients and weights travel under the passes
 */
public record Software(
    boolean fusedAttention, boolean hidesTensorParallel, boolean hidesDataParallel) {
  /** What Megatron-Core does since 2024. */
  public static final Software CURRENT = new Software(true, true, true);
}
