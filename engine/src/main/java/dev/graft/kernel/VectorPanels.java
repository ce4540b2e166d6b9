package dev.graft.kernel;

import jdk.incubator.vector.FloatVector;

/**
 * Products of decoded rows with a panel of tokens, in tiles whose accumulators stay in registers.
 * All strides are constants, so that a loop has one counter and no check of an index: with as many
 * pointers as rows there are more of them than registers.
 */
final class VectorPanels {
  private static final int L = Lanes.COUNT;
  private static final int WIDTH = 2 * L;
  private static final int ROW = Kernels.PIECE_ROW;

  /** CPUs with vectors of 512 bits have 32 registers for them; others 16. */
  private static final boolean MANY_REGISTERS = L >= 16;

  private VectorPanels() {}

  static void product(
      float[] w,
      int wAt,
      int rows,
      int n,
      float[] x,
      int xAt,
      float[] out,
      int outAt,
      boolean add) {
    int r = 0;
    if (MANY_REGISTERS) {
      for (; r + 12 <= rows; r += 12) {
        twelveByTwo(w, wAt + r * ROW, n, x, xAt, out, outAt + r * WIDTH, add);
      }
    }
    for (; r + 6 <= rows; r += 6) {
      sixByTwo(w, wAt + r * ROW, n, x, xAt, out, outAt + r * WIDTH, add);
    }
    if (r < rows) {
      VectorTiles.product(
          w,
          wAt + r * ROW,
          ROW,
          1,
          rows - r,
          n,
          x,
          xAt,
          WIDTH,
          WIDTH,
          out,
          outAt + r * WIDTH,
          WIDTH,
          add);
    }
  }

  private static FloatVector load(float[] x, int at) {
    return FloatVector.fromArray(Lanes.FLOATS, x, at);
  }

  private static FloatVector start(float[] out, int at, boolean add) {
    return add ? load(out, at) : FloatVector.zero(Lanes.FLOATS);
  }

  /** Twelve rows times a panel. */
  private static void twelveByTwo(
      float[] w, int wAt, int n, float[] x, int xAt, float[] out, int outAt, boolean add) {
    FloatVector a0 = start(out, outAt, add);
    FloatVector a1 = start(out, outAt + L, add);
    FloatVector b0 = start(out, outAt + WIDTH, add);
    FloatVector b1 = start(out, outAt + WIDTH + L, add);
    FloatVector c0 = start(out, outAt + 2 * WIDTH, add);
    FloatVector c1 = start(out, outAt + 2 * WIDTH + L, add);
    FloatVector d0 = start(out, outAt + 3 * WIDTH, add);
    FloatVector d1 = start(out, outAt + 3 * WIDTH + L, add);
    FloatVector e0 = start(out, outAt + 4 * WIDTH, add);
    FloatVector e1 = start(out, outAt + 4 * WIDTH + L, add);
    FloatVector f0 = start(out, outAt + 5 * WIDTH, add);
    FloatVector f1 = start(out, outAt + 5 * WIDTH + L, add);
    FloatVector g0 = start(out, outAt + 6 * WIDTH, add);
    FloatVector g1 = start(out, outAt + 6 * WIDTH + L, add);
    FloatVector h0 = start(out, outAt + 7 * WIDTH, add);
    FloatVector h1 = start(out, outAt + 7 * WIDTH + L, add);
    FloatVector i0 = start(out, outAt + 8 * WIDTH, add);
    FloatVector i1 = start(out, outAt + 8 * WIDTH + L, add);
    FloatVector j0 = start(out, outAt + 9 * WIDTH, add);
    FloatVector j1 = start(out, outAt + 9 * WIDTH + L, add);
    FloatVector k0 = start(out, outAt + 10 * WIDTH, add);
    FloatVector k1 = start(out, outAt + 10 * WIDTH + L, add);
    FloatVector l0 = start(out, outAt + 11 * WIDTH, add);
    FloatVector l1 = start(out, outAt + 11 * WIDTH + L, add);
    for (int k = 0; k < n; k++) {
      FloatVector u = load(x, xAt + k * WIDTH);
      FloatVector v = load(x, xAt + k * WIDTH + L);
      FloatVector r = FloatVector.broadcast(Lanes.FLOATS, w[wAt + k]);
      a0 = r.fma(u, a0);
      a1 = r.fma(v, a1);
      r = FloatVector.broadcast(Lanes.FLOATS, w[wAt + ROW + k]);
      b0 = r.fma(u, b0);
      b1 = r.fma(v, b1);
      r = FloatVector.broadcast(Lanes.FLOATS, w[wAt + 2 * ROW + k]);
      c0 = r.fma(u, c0);
      c1 = r.fma(v, c1);
      r = FloatVector.broadcast(Lanes.FLOATS, w[wAt + 3 * ROW + k]);
      d0 = r.fma(u, d0);
      d1 = r.fma(v, d1);
      r = FloatVector.broadcast(Lanes.FLOATS, w[wAt + 4 * ROW + k]);
      e0 = r.fma(u, e0);
      e1 = r.fma(v, e1);
      r = FloatVector.broadcast(Lanes.FLOATS, w[wAt + 5 * ROW + k]);
      f0 = r.fma(u, f0);
      f1 = r.fma(v, f1);
      r = FloatVector.broadcast(Lanes.FLOATS, w[wAt + 6 * ROW + k]);
      g0 = r.fma(u, g0);
      g1 = r.fma(v, g1);
      r = FloatVector.broadcast(Lanes.FLOATS, w[wAt + 7 * ROW + k]);
      h0 = r.fma(u, h0);
      h1 = r.fma(v, h1);
      r = FloatVector.broadcast(Lanes.FLOATS, w[wAt + 8 * ROW + k]);
      i0 = r.fma(u, i0);
      i1 = r.fma(v, i1);
      r = FloatVector.broadcast(Lanes.FLOATS, w[wAt + 9 * ROW + k]);
      j0 = r.fma(u, j0);
      j1 = r.fma(v, j1);
      r = FloatVector.broadcast(Lanes.FLOATS, w[wAt + 10 * ROW + k]);
      k0 = r.fma(u, k0);
      k1 = r.fma(v, k1);
      r = FloatVector.broadcast(Lanes.FLOATS, w[wAt + 11 * ROW + k]);
      l0 = r.fma(u, l0);
      l1 = r.fma(v, l1);
    }
    a0.intoArray(out, outAt);
    a1.intoArray(out, outAt + L);
    b0.intoArray(out, outAt + WIDTH);
    b1.intoArray(out, outAt + WIDTH + L);
    c0.intoArray(out, outAt + 2 * WIDTH);
    c1.intoArray(out, outAt + 2 * WIDTH + L);
    d0.intoArray(out, outAt + 3 * WIDTH);
    d1.intoArray(out, outAt + 3 * WIDTH + L);
    e0.intoArray(out, outAt + 4 * WIDTH);
    e1.intoArray(out, outAt + 4 * WIDTH + L);
    f0.intoArray(out, outAt + 5 * WIDTH);
    f1.intoArray(out, outAt + 5 * WIDTH + L);
    g0.intoArray(out, outAt + 6 * WIDTH);
    g1.intoArray(out, outAt + 6 * WIDTH + L);
    h0.intoArray(out, outAt + 7 * WIDTH);
    h1.intoArray(out, outAt + 7 * WIDTH + L);
    i0.intoArray(out, outAt + 8 * WIDTH);
    i1.intoArray(out, outAt + 8 * WIDTH + L);
    j0.intoArray(out, outAt + 9 * WIDTH);
    j1.intoArray(out, outAt + 9 * WIDTH + L);
    k0.intoArray(out, outAt + 10 * WIDTH);
    k1.intoArray(out, outAt + 10 * WIDTH + L);
    l0.intoArray(out, outAt + 11 * WIDTH);
    l1.intoArray(out, outAt + 11 * WIDTH + L);
  }

  /** Six rows times a panel. */
  private static void sixByTwo(
      float[] w, int wAt, int n, float[] x, int xAt, float[] out, int outAt, boolean add) {
    FloatVector a0 = start(out, outAt, add);
    FloatVector a1 = start(out, outAt + L, add);
    FloatVector b0 = start(out, outAt + WIDTH, add);
    FloatVector b1 = start(out, outAt + WIDTH + L, add);
    FloatVector c0 = start(out, outAt + 2 * WIDTH, add);
    FloatVector c1 = start(out, outAt + 2 * WIDTH + L, add);
    FloatVector d0 = start(out, outAt + 3 * WIDTH, add);
    FloatVector d1 = start(out, outAt + 3 * WIDTH + L, add);
    FloatVector e0 = start(out, outAt + 4 * WIDTH, add);
    FloatVector e1 = start(out, outAt + 4 * WIDTH + L, add);
    FloatVector f0 = start(out, outAt + 5 * WIDTH, add);
    FloatVector f1 = start(out, outAt + 5 * WIDTH + L, add);
    for (int k = 0; k < n; k++) {
      FloatVector u = load(x, xAt + k * WIDTH);
      FloatVector v = load(x, xAt + k * WIDTH + L);
      FloatVector r = FloatVector.broadcast(Lanes.FLOATS, w[wAt + k]);
      a0 = r.fma(u, a0);
      a1 = r.fma(v, a1);
      r = FloatVector.broadcast(Lanes.FLOATS, w[wAt + ROW + k]);
      b0 = r.fma(u, b0);
      b1 = r.fma(v, b1);
      r = FloatVector.broadcast(Lanes.FLOATS, w[wAt + 2 * ROW + k]);
      c0 = r.fma(u, c0);
      c1 = r.fma(v, c1);
      r = FloatVector.broadcast(Lanes.FLOATS, w[wAt + 3 * ROW + k]);
      d0 = r.fma(u, d0);
      d1 = r.fma(v, d1);
      r = FloatVector.broadcast(Lanes.FLOATS, w[wAt + 4 * ROW + k]);
      e0 = r.fma(u, e0);
      e1 = r.fma(v, e1);
      r = FloatVector.broadcast(Lanes.FLOATS, w[wAt + 5 * ROW + k]);
      f0 = r.fma(u, f0);
      f1 = r.fma(v, f1);
    }
    a0.intoArray(out, outAt);
    a1.intoArray(out, outAt + L);
    b0.intoArray(out, outAt + WIDTH);
    b1.intoArray(out, outAt + WIDTH + L);
    c0.intoArray(out, outAt + 2 * WIDTH);
    c1.intoArray(out, outAt + 2 * WIDTH + L);
    d0.intoArray(out, outAt + 3 * WIDTH);
    d1.intoArray(out, outAt + 3 * WIDTH + L);
    e0.intoArray(out, outAt + 4 * WIDTH);
    e1.intoArray(out, outAt + 4 * WIDTH + L);
    f0.intoArray(out, outAt + 5 * WIDTH);
    f1.intoArray(out, outAt + 5 * WIDTH + L);
  }

  /**
   * A product whose first factor lies in columns: out[r][c] = (add ? out[r][c] : 0) + Σ_k a[aAt + k
   * · aStep + r] · x[k][c], as attention's scores and weighted sums are.
   *
   * @return rows that were computed; those that do not fill a tile are left
   */
  static int transposed(
      float[] a,
      int aAt,
      int aStep,
      int rows,
      int n,
      float[] x,
      int xAt,
      float[] out,
      int outAt,
      boolean add) {
    int r = 0;
    if (MANY_REGISTERS) {
      for (; r + 8 <= rows; r += 8) {
        eightByTwo(a, aAt + r, aStep, n, x, xAt, out, outAt + r * WIDTH, add);
      }
    }
    return r;
  }

  /** Eight columns times a panel: one pointer, and neighbours share the check of their index. */
  private static void eightByTwo(
      float[] a,
      int aAt,
      int aStep,
      int n,
      float[] x,
      int xAt,
      float[] out,
      int outAt,
      boolean add) {
    FloatVector a0 = start(out, outAt, add);
    FloatVector a1 = start(out, outAt + L, add);
    FloatVector b0 = start(out, outAt + WIDTH, add);
    FloatVector b1 = start(out, outAt + WIDTH + L, add);
    FloatVector c0 = start(out, outAt + 2 * WIDTH, add);
    FloatVector c1 = start(out, outAt + 2 * WIDTH + L, add);
    FloatVector d0 = start(out, outAt + 3 * WIDTH, add);
    FloatVector d1 = start(out, outAt + 3 * WIDTH + L, add);
    FloatVector e0 = start(out, outAt + 4 * WIDTH, add);
    FloatVector e1 = start(out, outAt + 4 * WIDTH + L, add);
    FloatVector f0 = start(out, outAt + 5 * WIDTH, add);
    FloatVector f1 = start(out, outAt + 5 * WIDTH + L, add);
    FloatVector g0 = start(out, outAt + 6 * WIDTH, add);
    FloatVector g1 = start(out, outAt + 6 * WIDTH + L, add);
    FloatVector h0 = start(out, outAt + 7 * WIDTH, add);
    FloatVector h1 = start(out, outAt + 7 * WIDTH + L, add);
    for (int k = 0, at = aAt; k < n; k++, at += aStep) {
      FloatVector u = load(x, xAt + k * WIDTH);
      FloatVector v = load(x, xAt + k * WIDTH + L);
      FloatVector r = FloatVector.broadcast(Lanes.FLOATS, a[at]);
      a0 = r.fma(u, a0);
      a1 = r.fma(v, a1);
      r = FloatVector.broadcast(Lanes.FLOATS, a[at + 1]);
      b0 = r.fma(u, b0);
      b1 = r.fma(v, b1);
      r = FloatVector.broadcast(Lanes.FLOATS, a[at + 2]);
      c0 = r.fma(u, c0);
      c1 = r.fma(v, c1);
      r = FloatVector.broadcast(Lanes.FLOATS, a[at + 3]);
      d0 = r.fma(u, d0);
      d1 = r.fma(v, d1);
      r = FloatVector.broadcast(Lanes.FLOATS, a[at + 4]);
      e0 = r.fma(u, e0);
      e1 = r.fma(v, e1);
      r = FloatVector.broadcast(Lanes.FLOATS, a[at + 5]);
      f0 = r.fma(u, f0);
      f1 = r.fma(v, f1);
      r = FloatVector.broadcast(Lanes.FLOATS, a[at + 6]);
      g0 = r.fma(u, g0);
      g1 = r.fma(v, g1);
      r = FloatVector.broadcast(Lanes.FLOATS, a[at + 7]);
      h0 = r.fma(u, h0);
      h1 = r.fma(v, h1);
    }
    a0.intoArray(out, outAt);
    a1.intoArray(out, outAt + L);
    b0.intoArray(out, outAt + WIDTH);
    b1.intoArray(out, outAt + WIDTH + L);
    c0.intoArray(out, outAt + 2 * WIDTH);
    c1.intoArray(out, outAt + 2 * WIDTH + L);
    d0.intoArray(out, outAt + 3 * WIDTH);
    d1.intoArray(out, outAt + 3 * WIDTH + L);
    e0.intoArray(out, outAt + 4 * WIDTH);
    e1.intoArray(out, outAt + 4 * WIDTH + L);
    f0.intoArray(out, outAt + 5 * WIDTH);
    f1.intoArray(out, outAt + 5 * WIDTH + L);
    g0.intoArray(out, outAt + 6 * WIDTH);
    g1.intoArray(out, outAt + 6 * WIDTH + L);
    h0.intoArray(out, outAt + 7 * WIDTH);
    h1.intoArray(out, outAt + 7 * WIDTH + L);
  }
}
