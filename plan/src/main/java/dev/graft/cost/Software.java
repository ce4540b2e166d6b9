package dev.graft.cost;

/**
 * What the training software is known to do, where runs of the same mesh differ by it.
 *
 * @param fusedAttention whether scores stay on the chip (FlashAttention, arXiv 2205.14135)
 * @param hidesTensorParallel whether TP exchanges run under the products beside them
 * @param hidesDataParallel whether gradients and weights travel under the passes
 * @param hidesAllToAll whether tokens travel under the passes of another micro-batch
 * @param oncePerNode whether a token that goes to several experts of another node travels there
 *     once (DeepEP; DeepSeek-V3, arXiv 2412.19437, section 3.2.2)
 * @param gathersPerLayer messages in which ZeRO-3 gathers a layer
 */
public record Software(
    boolean fusedAttention,
    boolean hidesTensorParallel,
    boolean hidesDataParallel,
    boolean hidesAllToAll,
    boolean oncePerNode,
    int gathersPerLayer) {
  /** What Megatron-Core does since 2024. */
  public static final Software CURRENT = new Software(true, true, true, false, false, 1);

  int copies(int topK) {
    return oncePerNode ? topK : 1;
  }
}
