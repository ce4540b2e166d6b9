package dev.graft.cost;

/** The parts that a pipeline stage is made of. */
public enum Part {
  EMBEDDING,
  /** A layer whose FFN all tokens pass. */
  DENSE_LAYER,
  /** A mixture-of-experts layer. */
  EXPERT_LAYER,
  /** Last norm, output head and loss. */
  HEAD
}
