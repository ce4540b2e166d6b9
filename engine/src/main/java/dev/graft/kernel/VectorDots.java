package dev.graft.kernel;

import jdk.incubator.vector.FloatVector;

/**
 * Dot products of a decoded row with several tokens. Vector i of a row is added to accumulator i
 * mod 4, what is left of the row one by one; every fused {@link Matrix#dot} keeps this order.
 */
final class VectorDots {
  private static final int L = Lanes.COUNT;

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
      int n,
      float[] x,
      int xAt,
      int xStep,
      int tokens,
      float[] out,
      int outAt,
      int outStep) {
    int t = 0;
    for (; t + 4 <= tokens; t += 4) {
      four(w, wAt, n, x, xAt + t * xStep, xStep, out, outAt + t * outStep, outStep);
    }
    for (; t < tokens; t++) {
      out[outAt + t * outStep] = one(w, wAt, n, x, xAt + t * xStep);
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

  /** Four tokens: sixteen accumulators, each vector of the row loaded once. */
  private static void four(
      float[] w, int wAt, int n, float[] x, int at, int step, float[] out, int outAt, int outStep) {
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
    int p1 = at + step;
    int p2 = at + 2 * step;
    int p3 = at + 3 * step;
    int i = 0;
    for (; i <= n - 4 * L; i += 4 * L) {
      FloatVector v = x(w, wAt + i);
      a0 = v.fma(x(x, at + i), a0);
      a1 = v.fma(x(x, p1 + i), a1);
      a2 = v.fma(x(x, p2 + i), a2);
      a3 = v.fma(x(x, p3 + i), a3);
      v = x(w, wAt + i + L);
      b0 = v.fma(x(x, at + i + L), b0);
      b1 = v.fma(x(x, p1 + i + L), b1);
      b2 = v.fma(x(x, p2 + i + L), b2);
      b3 = v.fma(x(x, p3 + i + L), b3);
      v = x(w, wAt + i + 2 * L);
      c0 = v.fma(x(x, at + i + 2 * L), c0);
      c1 = v.fma(x(x, p1 + i + 2 * L), c1);
      c2 = v.fma(x(x, p2 + i + 2 * L), c2);
      c3 = v.fma(x(x, p3 + i + 2 * L), c3);
      v = x(w, wAt + i + 3 * L);
      d0 = v.fma(x(x, at + i + 3 * L), d0);
      d1 = v.fma(x(x, p1 + i + 3 * L), d1);
      d2 = v.fma(x(x, p2 + i + 3 * L), d2);
      d3 = v.fma(x(x, p3 + i + 3 * L), d3);
    }
    if (i <= n - L) {
      FloatVector v = x(w, wAt + i);
      a0 = v.fma(x(x, at + i), a0);
      a1 = v.fma(x(x, p1 + i), a1);
      a2 = v.fma(x(x, p2 + i), a2);
      a3 = v.fma(x(x, p3 + i), a3);
      i += L;
    }
    if (i <= n - L) {
      FloatVector v = x(w, wAt + i);
      b0 = v.fma(x(x, at + i), b0);
      b1 = v.fma(x(x, p1 + i), b1);
      b2 = v.fma(x(x, p2 + i), b2);
      b3 = v.fma(x(x, p3 + i), b3);
      i += L;
    }
    if (i <= n - L) {
      FloatVector v = x(w, wAt + i);
      c0 = v.fma(x(x, at + i), c0);
      c1 = v.fma(x(x, p1 + i), c1);
      c2 = v.fma(x(x, p2 + i), c2);
      c3 = v.fma(x(x, p3 + i), c3);
      i += L;
    }
    out[outAt] = sum(a0, b0, c0, d0) + rest(w, wAt, i, n, x, at);
    out[outAt + outStep] = sum(a1, b1, c1, d1) + rest(w, wAt, i, n, x, p1);
    out[outAt + 2 * outStep] = sum(a2, b2, c2, d2) + rest(w, wAt, i, n, x, p2);
    out[outAt + 3 * outStep] = sum(a3, b3, c3, d3) + rest(w, wAt, i, n, x, p3);
  }
}
