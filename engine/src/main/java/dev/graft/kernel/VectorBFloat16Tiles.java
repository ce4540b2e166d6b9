package dev.graft.kernel;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.ShortVector;

/**
 * The products of {@link VectorTiles} with a factor of bfloat16 codes, which become floats in
 * registers: attention over a cache of bfloat16 reads half the bytes and writes none. Tiles are
 * those that few queries need.
 */
final class VectorBFloat16Tiles {
  private static final int L = Lanes.COUNT;

  private VectorBFloat16Tiles() {}

  static void product(
      float[] a,
      int aAt,
      int aRow,
      int aStep,
      int rows,
      int n,
      short[] b,
      int bAt,
      int bRow,
      int width,
      float[] out,
      int outAt,
      int outRow,
      boolean add) {
    int r = 0;
    for (; r + 4 <= rows; r += 4) {
      int at = aAt + r * aRow;
      int to = outAt + r * outRow;
      int c = 0;
      for (; c + 2 * L <= width; c += 2 * L) {
        fourByTwo(a, at, aRow, aStep, n, b, bAt + c, bRow, out, to + c, outRow, add);
      }
      for (; c + L <= width; c += L) {
        for (int i = 0; i < 4; i++) {
          oneByOne(a, at + i * aRow, aStep, n, b, bAt + c, bRow, out, to + i * outRow + c, add);
        }
      }
    }
    for (; r + 3 <= rows; r += 3) {
      int at = aAt + r * aRow;
      int to = outAt + r * outRow;
      int c = 0;
      for (; c + 4 * L <= width; c += 4 * L) {
        threeByFour(a, at, aRow, aStep, n, b, bAt + c, bRow, out, to + c, outRow, add);
      }
      for (; c + 2 * L <= width; c += 2 * L) {
        threeByTwo(a, at, aRow, aStep, n, b, bAt + c, bRow, out, to + c, outRow, add);
      }
      for (; c + L <= width; c += L) {
        for (int i = 0; i < 3; i++) {
          oneByOne(a, at + i * aRow, aStep, n, b, bAt + c, bRow, out, to + i * outRow + c, add);
        }
      }
    }
    for (; r < rows; r++) {
      int at = aAt + r * aRow;
      int to = outAt + r * outRow;
      int c = 0;
      for (; c + 2 * L <= width; c += 2 * L) {
        oneByTwo(a, at, aStep, n, b, bAt + c, bRow, out, to + c, add);
      }
      for (; c + L <= width; c += L) {
        oneByOne(a, at, aStep, n, b, bAt + c, bRow, out, to + c, add);
      }
    }
    for (int c = width / L * L; c < width; c++) {
      column(a, aAt, aRow, aStep, rows, n, b, bAt + c, bRow, out, outAt + c, outRow, add);
    }
  }

  private static FloatVector load(float[] x, int at) {
    return FloatVector.fromArray(Lanes.FLOATS, x, at);
  }

  private static FloatVector load(short[] codes, int at) {
    return Lanes.fromBFloat16(ShortVector.fromArray(Lanes.SHORTS, codes, at));
  }

  private static FloatVector start(float[] out, int at, boolean add) {
    return add ? load(out, at) : FloatVector.zero(Lanes.FLOATS);
  }

  /** A column that no vector covers. */
  private static void column(
      float[] a,
      int aAt,
      int aRow,
      int aStep,
      int rows,
      int n,
      short[] b,
      int bAt,
      int bRow,
      float[] out,
      int outAt,
      int outRow,
      boolean add) {
    for (int r = 0; r < rows; r++) {
      float sum = add ? out[outAt + r * outRow] : 0;
      for (int k = 0; k < n; k++) {
        sum = Math.fma(a[aAt + r * aRow + k * aStep], Codes.bfloat16(b[bAt + k * bRow]), sum);
      }
      out[outAt + r * outRow] = sum;
    }
  }

  /** Four rows times two vectors of columns. */
  private static void fourByTwo(
      float[] a,
      int aAt,
      int aRow,
      int aStep,
      int n,
      short[] b,
      int bAt,
      int bRow,
      float[] out,
      int outAt,
      int outRow,
      boolean add) {
    FloatVector a0 = start(out, outAt, add);
    FloatVector a1 = start(out, outAt + L, add);
    FloatVector b0 = start(out, outAt + outRow, add);
    FloatVector b1 = start(out, outAt + outRow + L, add);
    FloatVector c0 = start(out, outAt + 2 * outRow, add);
    FloatVector c1 = start(out, outAt + 2 * outRow + L, add);
    FloatVector d0 = start(out, outAt + 3 * outRow, add);
    FloatVector d1 = start(out, outAt + 3 * outRow + L, add);
    int p1 = aAt + aRow;
    int p2 = aAt + 2 * aRow;
    int p3 = aAt + 3 * aRow;
    for (int k = 0, ak = 0, bk = bAt; k < n; k++, ak += aStep, bk += bRow) {
      FloatVector u = load(b, bk);
      FloatVector v = load(b, bk + L);
      FloatVector w = FloatVector.broadcast(Lanes.FLOATS, a[aAt + ak]);
      a0 = w.fma(u, a0);
      a1 = w.fma(v, a1);
      w = FloatVector.broadcast(Lanes.FLOATS, a[p1 + ak]);
      b0 = w.fma(u, b0);
      b1 = w.fma(v, b1);
      w = FloatVector.broadcast(Lanes.FLOATS, a[p2 + ak]);
      c0 = w.fma(u, c0);
      c1 = w.fma(v, c1);
      w = FloatVector.broadcast(Lanes.FLOATS, a[p3 + ak]);
      d0 = w.fma(u, d0);
      d1 = w.fma(v, d1);
    }
    a0.intoArray(out, outAt);
    a1.intoArray(out, outAt + L);
    b0.intoArray(out, outAt + outRow);
    b1.intoArray(out, outAt + outRow + L);
    c0.intoArray(out, outAt + 2 * outRow);
    c1.intoArray(out, outAt + 2 * outRow + L);
    d0.intoArray(out, outAt + 3 * outRow);
    d1.intoArray(out, outAt + 3 * outRow + L);
  }

  /** Three rows times four vectors of columns. */
  private static void threeByFour(
      float[] a,
      int aAt,
      int aRow,
      int aStep,
      int n,
      short[] b,
      int bAt,
      int bRow,
      float[] out,
      int outAt,
      int outRow,
      boolean add) {
    FloatVector a0 = start(out, outAt, add);
    FloatVector a1 = start(out, outAt + L, add);
    FloatVector a2 = start(out, outAt + 2 * L, add);
    FloatVector a3 = start(out, outAt + 3 * L, add);
    FloatVector b0 = start(out, outAt + outRow, add);
    FloatVector b1 = start(out, outAt + outRow + L, add);
    FloatVector b2 = start(out, outAt + outRow + 2 * L, add);
    FloatVector b3 = start(out, outAt + outRow + 3 * L, add);
    FloatVector c0 = start(out, outAt + 2 * outRow, add);
    FloatVector c1 = start(out, outAt + 2 * outRow + L, add);
    FloatVector c2 = start(out, outAt + 2 * outRow + 2 * L, add);
    FloatVector c3 = start(out, outAt + 2 * outRow + 3 * L, add);
    int p1 = aAt + aRow;
    int p2 = aAt + 2 * aRow;
    for (int k = 0, ak = 0, bk = bAt; k < n; k++, ak += aStep, bk += bRow) {
      FloatVector s = load(b, bk);
      FloatVector t = load(b, bk + L);
      FloatVector u = load(b, bk + 2 * L);
      FloatVector v = load(b, bk + 3 * L);
      FloatVector w = FloatVector.broadcast(Lanes.FLOATS, a[aAt + ak]);
      a0 = w.fma(s, a0);
      a1 = w.fma(t, a1);
      a2 = w.fma(u, a2);
      a3 = w.fma(v, a3);
      w = FloatVector.broadcast(Lanes.FLOATS, a[p1 + ak]);
      b0 = w.fma(s, b0);
      b1 = w.fma(t, b1);
      b2 = w.fma(u, b2);
      b3 = w.fma(v, b3);
      w = FloatVector.broadcast(Lanes.FLOATS, a[p2 + ak]);
      c0 = w.fma(s, c0);
      c1 = w.fma(t, c1);
      c2 = w.fma(u, c2);
      c3 = w.fma(v, c3);
    }
    a0.intoArray(out, outAt);
    a1.intoArray(out, outAt + L);
    a2.intoArray(out, outAt + 2 * L);
    a3.intoArray(out, outAt + 3 * L);
    b0.intoArray(out, outAt + outRow);
    b1.intoArray(out, outAt + outRow + L);
    b2.intoArray(out, outAt + outRow + 2 * L);
    b3.intoArray(out, outAt + outRow + 3 * L);
    c0.intoArray(out, outAt + 2 * outRow);
    c1.intoArray(out, outAt + 2 * outRow + L);
    c2.intoArray(out, outAt + 2 * outRow + 2 * L);
    c3.intoArray(out, outAt + 2 * outRow + 3 * L);
  }

  /** Three rows times two vectors of columns. */
  private static void threeByTwo(
      float[] a,
      int aAt,
      int aRow,
      int aStep,
      int n,
      short[] b,
      int bAt,
      int bRow,
      float[] out,
      int outAt,
      int outRow,
      boolean add) {
    FloatVector a0 = start(out, outAt, add);
    FloatVector a1 = start(out, outAt + L, add);
    FloatVector b0 = start(out, outAt + outRow, add);
    FloatVector b1 = start(out, outAt + outRow + L, add);
    FloatVector c0 = start(out, outAt + 2 * outRow, add);
    FloatVector c1 = start(out, outAt + 2 * outRow + L, add);
    int p1 = aAt + aRow;
    int p2 = aAt + 2 * aRow;
    for (int k = 0, ak = 0, bk = bAt; k < n; k++, ak += aStep, bk += bRow) {
      FloatVector s = load(b, bk);
      FloatVector t = load(b, bk + L);
      FloatVector w = FloatVector.broadcast(Lanes.FLOATS, a[aAt + ak]);
      a0 = w.fma(s, a0);
      a1 = w.fma(t, a1);
      w = FloatVector.broadcast(Lanes.FLOATS, a[p1 + ak]);
      b0 = w.fma(s, b0);
      b1 = w.fma(t, b1);
      w = FloatVector.broadcast(Lanes.FLOATS, a[p2 + ak]);
      c0 = w.fma(s, c0);
      c1 = w.fma(t, c1);
    }
    a0.intoArray(out, outAt);
    a1.intoArray(out, outAt + L);
    b0.intoArray(out, outAt + outRow);
    b1.intoArray(out, outAt + outRow + L);
    c0.intoArray(out, outAt + 2 * outRow);
    c1.intoArray(out, outAt + 2 * outRow + L);
  }

  /** One row times two vectors of columns. */
  private static void oneByTwo(
      float[] a,
      int aAt,
      int aStep,
      int n,
      short[] b,
      int bAt,
      int bRow,
      float[] out,
      int outAt,
      boolean add) {
    FloatVector a0 = start(out, outAt, add);
    FloatVector a1 = start(out, outAt + L, add);
    for (int k = 0, ak = 0, bk = bAt; k < n; k++, ak += aStep, bk += bRow) {
      FloatVector u = load(b, bk);
      FloatVector v = load(b, bk + L);
      FloatVector w = FloatVector.broadcast(Lanes.FLOATS, a[aAt + ak]);
      a0 = w.fma(u, a0);
      a1 = w.fma(v, a1);
    }
    a0.intoArray(out, outAt);
    a1.intoArray(out, outAt + L);
  }

  /** One row times one vector of columns. */
  private static void oneByOne(
      float[] a,
      int aAt,
      int aStep,
      int n,
      short[] b,
      int bAt,
      int bRow,
      float[] out,
      int outAt,
      boolean add) {
    FloatVector a0 = start(out, outAt, add);
    for (int k = 0, ak = 0, bk = bAt; k < n; k++, ak += aStep, bk += bRow) {
      FloatVector u = load(b, bk);
      FloatVector w = FloatVector.broadcast(Lanes.FLOATS, a[aAt + ak]);
      a0 = w.fma(u, a0);
    }
    a0.intoArray(out, outAt);
  }
}
