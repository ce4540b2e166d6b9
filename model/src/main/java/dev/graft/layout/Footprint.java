package dev.graft.layout;

import dev.graft.checkpoint.ModelSpec;

/**
 * The memory that one rank takes, in bytes.
 *
 * @param attention projections of attention
 * @param feedForward FFN or experts
 * @param vocabulary embedding and output head
 * @param replicated norms and the router, which every rank holds
 * @param perToken keys and values of one token over all layers, for the heads of this rank
 */
public record Footprint(
    RankSlice slice,
    long attention,
    long feedForward,
    long vocabulary,
    long replicated,
    long perToken) {
  /**
   * Adds up a rank.
   *
   * @param weights what a part of a tensor takes
   * @param cacheBytes of one number of the key/value cache: 4 for f32, 2 for bf16
   */
  public static Footprint of(TensorParallel layout, int rank, WeightBytes weights, int cacheBytes) {
    long attention = 0;
    long feedForward = 0;
    long vocabulary = 0;
    long replicated = 0;
    for (TensorSlice part : layout.tensors(rank)) {
      long bytes = weights.of(part);
      String name = part.name();
      if (name.endsWith("norm.weight") || name.contains(".gate.")) {
        replicated += bytes;
      } else if (name.contains(".self_attn.")) {
        attention += bytes;
      } else if (name.contains(".mlp.") || name.contains(".experts.")) {
        feedForward += bytes;
      } else {
        vocabulary += bytes;
      }
    }
    ModelSpec spec = layout.spec();
    RankSlice slice = layout.slice(rank);
    long perToken =
        2L * spec.numHiddenLayers() * slice.keyValueHeads().length() * spec.headDim() * cacheBytes;
    return new Footprint(slice, attention, feedForward, vocabulary, replicated, perToken);
  }

  /** All weights of the rank. */
  public long weights() {
    return attention + feedForward + vocabulary + replicated;
  }

  /**
   * How many tokens of key/value cache have room beside the weights.
   *
   * @param memory bytes there are, less what the program itself takes
   * @return negative if the weights alone do not fit
   */
  public long tokens(long memory) {
    return memory < weights() ? -1 : (memory - weights()) / perToken;
  }
}
