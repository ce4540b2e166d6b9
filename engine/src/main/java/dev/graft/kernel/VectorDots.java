package dev.graft.kernel;

import jdk.incubator.vector.FloatVector;

/**
 * Dot products of decoded rows with several tokens. Vector i of a row is added to accumulator i mod
 * 4, what is left of the row one by one; every fused {@link Matrix#dot} keeps this order.
 */
final class VectorDots {
  private static final int L = Lanes.COUNT;
  private static final int TOKENS = 4;

  private VectorDots() {}

  static FloatVector x(float[] x, int at) {
    return FloatVector.fromArray(Lanes.FLOATS, x, at);
  }

  static float sum(FloatVector a, FloatVector b, FloatVector c, FloatVector d) {
    return Lanes.sum(a.add(b).add(c.add(d)));
  }

  static void dots(
      float[] w,
      int wAt,
      int rows,
      int n,
      float[] x,
      int xAt,
      int xStep,
      int tokens,
      float[] out,
      int outAt,
      int outStep,
      float[] room) {
    // Blocks of rows and tokens leave no room for a tail.
    int whole = n % (4 * L) == 0 ? tokens / 2 * 2 : 0;
    // As many tokens at a time as stay in the first-level cache with two rows.
    for (int t = 0; t < whole; t += TOKENS) {
      blocks(
          w,
          wAt,
          rows,
          n,
          x,
          xAt + t * xStep,
          xStep,
          Math.min(TOKENS, whole - t),
          out,
          outAt + t * outStep,
          outStep,
          room);
    }
    for (int t = whole; t < tokens; t++) {
      for (int r = 0; r < rows; r++) {
        out[outAt + t * outStep + r] = one(w, wAt + r * n, n, x, xAt + t * xStep);
      }
    }
  }

  private static void blocks(
      float[] w,
      int wAt,
      int rows,
      int n,
      float[] x,
      int xAt,
      int xStep,
      int tokens,
      float[] out,
      int outAt,
      int outStep,
      float[] room) {
    // Sixteen accumulators need 32 registers.
    int pairs = L >= 16 ? rows / 2 * 2 : 0;
    for (int r = 0; r < pairs; r += 2) {
      for (int t = 0; t < tokens; t += 2) {
        twoByTwo(w, wAt + r * n, n, x, xAt + t * xStep, xStep, room);
        reduce(room, out, outAt + r + t * outStep, outStep);
      }
    }
    for (int r = pairs; r < rows; r++) {
      for (int t = 0; t < tokens; t += 2) {
        oneByTwo(
            w, wAt + r * n, n, x, xAt + t * xStep, xStep, out, outAt + r + t * outStep, outStep);
      }
    }
  }

  static float one(float[] w, int wAt, int n, float[] x, int at) {
    FloatVector a = FloatVector.zero(Lanes.FLOATS);
    FloatVector b = a;
    FloatVector c = a;
    FloatVector d = a;
    int i = 0;
    for (; i <= n - 4 * L; i += 4 * L) {
      a = x(w, wAt + i).fma(x(x, at + i), a);
      b = x(w, wAt + i + L).fma(x(x, at + i + L), b);
      c = x(w, wAt + i + 2 * L).fma(x(x, at + i + 2 * L), c);
      d = x(w, wAt + i + 3 * L).fma(x(x, at + i + 3 * L), d);
    }
    if (i <= n - L) {
      a = x(w, wAt + i).fma(x(x, at + i), a);
      i += L;
    }
    if (i <= n - L) {
      b = x(w, wAt + i).fma(x(x, at + i), b);
      i += L;
    }
    if (i <= n - L) {
      c = x(w, wAt + i).fma(x(x, at + i), c);
      i += L;
    }
    return sum(a, b, c, d) + rest(w, wAt, i, n, x, at);
  }

  private static float rest(float[] w, int wAt, int from, int n, float[] x, int at) {
    float rest = 0;
    for (int i = from; i < n; i++) {
      rest = Math.fma(w[wAt + i], x[at + i], rest);
    }
    return rest;
  }

  /**
   * One row times two tokens; n is a multiple of four vectors. More in one method falls beyond the
   * compiler's limit for inlining, and each vector becomes an object.
   */
  private static void oneByTwo(
      float[] w, int wAt, int n, float[] x, int at, int step, float[] out, int outAt, int outStep) {
    FloatVector a0 = FloatVector.zero(Lanes.FLOATS);
    FloatVector b0 = a0;
    FloatVector c0 = a0;
    FloatVector d0 = a0;
    FloatVector a1 = a0;
    FloatVector b1 = a0;
    FloatVector c1 = a0;
    FloatVector d1 = a0;
    int q = at + step;
    for (int i = 0; i < n; i += 4 * L) {
      FloatVector v = x(w, wAt + i);
      a0 = v.fma(x(x, at + i), a0);
      a1 = v.fma(x(x, q + i), a1);
      v = x(w, wAt + i + L);
      b0 = v.fma(x(x, at + i + L), b0);
      b1 = v.fma(x(x, q + i + L), b1);
      v = x(w, wAt + i + 2 * L);
      c0 = v.fma(x(x, at + i + 2 * L), c0);
      c1 = v.fma(x(x, q + i + 2 * L), c1);
      v = x(w, wAt + i + 3 * L);
      d0 = v.fma(x(x, at + i + 3 * L), d0);
      d1 = v.fma(x(x, q + i + 3 * L), d1);
    }
    out[outAt] = sum(a0, b0, c0, d0);
    out[outAt + outStep] = sum(a1, b1, c1, d1);
  }

  /** Two rows times two tokens: four loads for four products. The sums of lanes come later. */
  private static void twoByTwo(
      float[] w, int wAt, int n, float[] x, int at, int step, float[] room) {
    FloatVector a0 = FloatVector.zero(Lanes.FLOATS);
    FloatVector b0 = a0;
    FloatVector c0 = a0;
    FloatVector d0 = a0;
    FloatVector a1 = a0;
    FloatVector b1 = a0;
    FloatVector c1 = a0;
    FloatVector d1 = a0;
    FloatVector a2 = a0;
    FloatVector b2 = a0;
    FloatVector c2 = a0;
    FloatVector d2 = a0;
    FloatVector a3 = a0;
    FloatVector b3 = a0;
    FloatVector c3 = a0;
    FloatVector d3 = a0;
    int q = at + step;
    int next = wAt + n;
    for (int i = 0; i < n; i += 4 * L) {
      FloatVector v = x(w, wAt + i);
      FloatVector y = x(w, next + i);
      FloatVector s = x(x, at + i);
      FloatVector t = x(x, q + i);
      a0 = v.fma(s, a0);
      a1 = v.fma(t, a1);
      a2 = y.fma(s, a2);
      a3 = y.fma(t, a3);
      v = x(w, wAt + i + L);
      y = x(w, next + i + L);
      s = x(x, at + i + L);
      t = x(x, q + i + L);
      b0 = v.fma(s, b0);
      b1 = v.fma(t, b1);
      b2 = y.fma(s, b2);
      b3 = y.fma(t, b3);
      v = x(w, wAt + i + 2 * L);
      y = x(w, next + i + 2 * L);
      s = x(x, at + i + 2 * L);
      t = x(x, q + i + 2 * L);
      c0 = v.fma(s, c0);
      c1 = v.fma(t, c1);
      c2 = y.fma(s, c2);
      c3 = y.fma(t, c3);
      v = x(w, wAt + i + 3 * L);
      y = x(w, next + i + 3 * L);
      s = x(x, at + i + 3 * L);
      t = x(x, q + i + 3 * L);
      d0 = v.fma(s, d0);
      d1 = v.fma(t, d1);
      d2 = y.fma(s, d2);
      d3 = y.fma(t, d3);
    }
    a0.add(b0).add(c0.add(d0)).intoArray(room, 0);
    a2.add(b2).add(c2.add(d2)).intoArray(room, L);
    a1.add(b1).add(c1.add(d1)).intoArray(room, 2 * L);
    a3.add(b3).add(c3.add(d3)).intoArray(room, 3 * L);
  }

  /**
   * Sums of the lanes of two vectors in {@code room}: in a method of its own, since inlined behind
   * a loop of eight accumulators it falls beyond the compiler's limit.
   */
  static void reduceTwo(float[] room, int at, float[] out, int outAt, int outStep) {
    out[outAt] = Lanes.sum(x(room, at)) + 0f;
    out[outAt + outStep] = Lanes.sum(x(room, at + L)) + 0f;
  }

  private static void reduce(float[] room, float[] out, int outAt, int outStep) {
    out[outAt] = Lanes.sum(x(room, 0));
    out[outAt + 1] = Lanes.sum(x(room, L));
    out[outAt + outStep] = Lanes.sum(x(room, 2 * L));
    out[outAt + outStep + 1] = Lanes.sum(x(room, 3 * L));
  }
}
