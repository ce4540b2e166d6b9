package dev.graft.search;

/** What can be held of a mesh besides how experts are dealt out. */
public enum Degree {
  PP,
  TP,
  DP,
  EP,
  ETP,
  /** Sequences of a micro-batch. */
  MB,
  /** Model chunks of a stage. */
  CHUNKS
}
