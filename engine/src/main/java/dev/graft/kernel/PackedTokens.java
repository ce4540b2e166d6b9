package dev.graft.kernel;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * The inputs of several tokens as a product of eight of them reads them: vectors begin on cache
 * lines, which those of a Java array never do, and lie in the order of use. For each group of eight
 * tokens first the even vectors of all, then the odd ones: [groups, 2, columns / 32, 8, 16]. Places
 * without a token repeat the last one.
 */
public final class PackedTokens {
  static final int TOKENS = 8;
  private static final int LANES = 16;
  private static final long LINE = 64;

  private MemorySegment values = MemorySegment.NULL;
  private float[] source = {};
  private int sourceAt;
  private int tokens;
  private int columns;

  /** Whether it holds these tokens. */
  @SuppressWarnings("ReferenceEquality") // the same array, not one of the same values
  boolean holds(float[] x, int at, int n, int count) {
    return source == x && sourceAt == at && columns == n && tokens == count;
  }

  /**
   * Packs tokens, a group of eight a thread.
   *
   * @param x token t at {@code at + t · step}
   * @param n columns, a multiple of 32
   */
  void pack(Workers workers, float[] x, int at, int step, int n, int count) {
    int groups = Math.ceilDiv(count, TOKENS);
    long bytes = (long) groups * TOKENS * n * Float.BYTES;
    if (values.byteSize() < bytes) {
      values = Arena.ofAuto().allocate(bytes, LINE);
    }
    source = x;
    sourceAt = at;
    tokens = count;
    columns = n;
    workers.run(
        groups,
        (group, _) -> {
          for (int t = group * TOKENS; t < (group + 1) * TOKENS; t++) {
            int from = at + Math.min(t, count - 1) * step;
            copy(x, from, values, place(t, 0), n / LANES);
            copy(x, from + LANES, values, place(t, 1), n / LANES);
          }
        });
  }

  /** Every other vector. */
  private static void copy(float[] x, int from, MemorySegment to, long at, int vectors) {
    for (int v = 0; v < vectors; v += 2) {
      VectorDots.x(x, from + v * LANES)
          .intoMemorySegment(to, at + v / 2 * (TOKENS * LINE), Lanes.ORDER);
    }
  }

  private long place(int token, int vector) {
    int group = token / TOKENS;
    int half = vector % 2;
    long block = ((long) group * 2 + half) * (columns / (2 * LANES)) + vector / 2;
    return (block * TOKENS + token % TOKENS) * LINE;
  }

  /** Forgets what it holds; the array may change. */
  void clear() {
    source = new float[0];
  }

  MemorySegment values() {
    return values;
  }

  /** Byte offset of the even (0) or odd (1) vectors of the group that begins at a token. */
  long group(int token, int half) {
    return place(token, half);
  }

  int tokens() {
    return tokens;
  }
}
