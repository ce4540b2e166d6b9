package dev.graft.cost;

/** What a layer computes a second time in the backward pass instead of keeping it. */
public enum Recompute {
  /** Nothing. */
  NONE,
  /** Scores and softmax only, which cost little (Korthikanti et al., arXiv 2205.05198, 5). */
  SELECTIVE,
  /** The FFN or the experts, with their exchanges. */
  FEED_FORWARD,
  /** All: only the layer's input is kept. */
  FULL
}
