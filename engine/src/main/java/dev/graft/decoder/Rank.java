package dev.graft.decoder;

import dev.graft.cache.KeyValuePages;
import dev.graft.kernel.Kernels;
import dev.graft.kernel.Workers;

/**
 * What a rank computes with.
 *
 * @param weights of the whole model, in place
 * @param share the part of them that is this rank's
 * @param first whether it adds what must be added once, such as biases of outputs
 * @param kernels the kernels
 * @param workers its threads
 * @param pages keys and values of its heads
 * @param rotary shared angles
 * @param sum over all ranks
 * @param observer sees routing; only of the first rank
 */
record Rank(
    DecoderWeights weights,
    Share share,
    boolean first,
    Kernels kernels,
    Workers workers,
    KeyValuePages pages,
    RotaryTable rotary,
    RankSum sum,
    RoutingObserver observer) {
  /** Positions that a query sees, its own included. */
  int window() {
    return weights.spec().slidingWindow().orElse(Integer.MAX_VALUE);
  }
}
