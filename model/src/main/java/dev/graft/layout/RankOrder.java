package dev.graft.layout;

/**
 * The one order in which the parts of ranks are added, so that every kind of group gets the same
 * bits.
 */
public final class RankOrder {
  private RankOrder() {}

  /**
   * {@code sums[offset + i] = ((parts[0][i] + parts[1][i]) + parts[2][i]) + …} in float32.
   *
   * @param parts one array per rank, none of them {@code sums}
   * @param from the first i
   * @param to one past the last i
   */
  public static void add(float[][] parts, int from, int to, float[] sums, int offset) {
    System.arraycopy(parts[0], from, sums, offset + from, to - from);
    for (int r = 1; r < parts.length; r++) {
      float[] part = parts[r];
      for (int i = from; i < to; i++) {
        sums[offset + i] += part[i];
      }
    }
  }
}
