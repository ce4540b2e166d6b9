package dev.graft.experts;

/**
 * Assignments sorted by expert: those of expert e are {@code order[start[e] … start[e + 1])}, each
 * the number token · topK + choice, in the order of the tokens.
 *
 * @param order assignments, grouped
 * @param start where each expert's begin; one more at the end
 */
public record Groups(int[] order, int[] start) {
  /**
   * Groups assignments by a counting sort.
   *
   * @param experts expert of assignment i
   * @param count assignments
   * @param numExperts experts of the layer
   */
  public static Groups of(int[] experts, int count, int numExperts) {
    int[] start = new int[numExperts + 1];
    for (int i = 0; i < count; i++) {
      start[experts[i] + 1]++;
    }
    for (int e = 0; e < numExperts; e++) {
      start[e + 1] += start[e];
    }
    int[] next = start.clone();
    int[] order = new int[count];
    for (int i = 0; i < count; i++) {
      order[next[experts[i]]++] = i;
    }
    return new Groups(order, start);
  }

  /** Assignments of an expert. */
  public int size(int expert) {
    return start[expert + 1] - start[expert];
  }
}
