package dev.graft.text;

/**
 * A permutation of 0 … n−1 by a seed without a table: a Feistel network over the next power of
 * four, walked until it lands inside.
 */
record Permutation(long size, long seed) {
  private static final int ROUNDS = 6;

  /** The order of one epoch of one dataset; each of the three numbers changes all of it. */
  static Permutation of(long size, long seed, long dataset, long epoch) {
    return new Permutation(size, mix(mix(mix(seed) + dataset) + epoch));
  }

  /** The element at {@code index}, 0 … n−1. */
  long at(long index) {
    int half = Math.max(1, (64 - Long.numberOfLeadingZeros(Math.max(1, size - 1)) + 1) / 2);
    long mask = (1L << half) - 1;
    long value = index;
    do {
      long left = value >>> half;
      long right = value & mask;
      for (int round = 0; round < ROUNDS; round++) {
        long next = left ^ (mix(right + mix(seed + round)) & mask);
        left = right;
        right = next;
      }
      value = left << half | right;
    } while (value >= size);
    return value;
  }

  /** SplitMix64's finaliser. */
  private static long mix(long value) {
    long z = value + 0x9E3779B97F4A7C15L;
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }
}
