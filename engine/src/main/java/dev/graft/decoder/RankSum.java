package dev.graft.decoder;

/** Adds an array over all ranks of a tensor-parallel group, with the same bits on every rank. */
@FunctionalInterface
interface RankSum {
  /** One rank: nothing to add. */
  RankSum ALONE = (values, length) -> {};

  /** Replaces the first {@code length} values by their sums. */
  void add(float[] values, int length);
}
