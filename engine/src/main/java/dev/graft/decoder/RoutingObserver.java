package dev.graft.decoder;

/** Sees which experts each token was sent to; called by the thread that steps. */
@FunctionalInterface
public interface RoutingObserver {
  /** Sees nothing. */
  RoutingObserver NONE = (layer, chunk, token, experts, weights) -> {};

  /**
   * One token of one layer.
   *
   * @param chunk which chunk of the step
   * @param token which token of the chunk
   * @param experts the chosen ones, best first, in an array of the observer's own
   * @param weights their weights
   */
  void routed(int layer, int chunk, int token, int[] experts, float[] weights);
}
