package dev.graft.routing;

import java.util.List;

/**
 * How many assignments an expert takes from a routing group, and whose. Priority: all first
 * choices, then all second choices, each by token position in the whole group, which may be split
 * into consecutive parts.
 */
public final class Capacity {
  private Capacity() {}

  /** C = ceil(capacity_factor · k · T / n). */
  public static long of(double capacityFactor, long topK, long tokens, int numExperts) {
    return (long) Math.ceil(capacityFactor * topK * tokens / numExperts);
  }

  /**
   * The assignments of one part within capacity; its own order is that of the whole group, so that
   * they are the first of each expert.
   *
   * @param parts assignments of each choice to each expert, [k][n], of each part in the order of
   *     their tokens
   * @param part whose
   * @param capacity C
   * @return per expert
   */
  public static long[] kept(List<long[][]> parts, int part, long capacity) {
    long[][] own = parts.get(part);
    long[] kept = new long[own[0].length];
    for (int e = 0; e < kept.length; e++) {
      long taken = 0;
      for (int c = 0; c < own.length; c++) {
        for (int p = 0; p < parts.size(); p++) {
          long here = parts.get(p)[c][e];
          if (p == part) {
            kept[e] += Math.max(0, Math.min(here, capacity - taken));
          }
          taken += here;
        }
      }
    }
    return kept;
  }
}
