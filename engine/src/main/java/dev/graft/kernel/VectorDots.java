package dev.graft.kernel;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorShuffle;

/**
 * Dot products of decoded rows with several tokens. Vector i of a row is added to accumulator i mod
 * 2, what is left of the row one by one; every fused {@link Matrix#dot} keeps this order.
 */
final class VectorDots {
  private static final int L = Lanes.COUNT;

  private VectorDots() {}

  static FloatVector x(float[] x, int at) {
    return FloatVector.fromArray(Lanes.FLOATS, x, at);
  }

  static FloatVector x(MemorySegment x, long at) {
    return FloatVector.fromMemorySegment(Lanes.FLOATS, x, at, Lanes.ORDER);
  }

  static float sum(FloatVector a, FloatVector b) {
    return Lanes.sum(a.add(b));
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
    // Blocks of rows and tokens leave no room for a tail; twelve sums of two accumulators each need
    // 32 registers.
    int fours = n % (2 * L) == 0 && L >= 16 ? tokens / 4 * 4 : 0;
    for (int t = 0; t < fours; t += 4) {
      int r = 0;
      for (; r + 3 <= rows; r += 3) {
        threeByFour(w, wAt + r * n, n, x, xAt + t * xStep, xStep, room);
        for (int q = 0; q < 4; q++) {
          reduce(room, 3 * q * L, out, outAt + r + (t + q) * outStep);
        }
      }
      rest(w, wAt, r, rows, n, x, xAt, xStep, t, t + 4, out, outAt, outStep);
    }
    rest(w, wAt, 0, rows, n, x, xAt, xStep, fours, tokens, out, outAt, outStep);
  }

  private static void rest(
      float[] w,
      int wAt,
      int rowFrom,
      int rowTo,
      int n,
      float[] x,
      int xAt,
      int xStep,
      int from,
      int to,
      float[] out,
      int outAt,
      int outStep) {
    for (int r = rowFrom; r < rowTo; r++) {
      int t = from;
      for (; t + 4 <= to; t += 4) {
        oneByFour(
            w, wAt + r * n, n, x, xAt + t * xStep, xStep, out, outAt + r + t * outStep, outStep);
      }
      for (; t < to; t++) {
        out[outAt + r + t * outStep] = one(w, wAt + r * n, n, x, xAt + t * xStep);
      }
    }
  }

  static float one(float[] w, int wAt, int n, float[] x, int at) {
    FloatVector a = FloatVector.zero(Lanes.FLOATS);
    FloatVector b = a;
    int i = 0;
    for (; i <= n - 2 * L; i += 2 * L) {
      a = x(w, wAt + i).fma(x(x, at + i), a);
      b = x(w, wAt + i + L).fma(x(x, at + i + L), b);
    }
    if (i <= n - L) {
      a = x(w, wAt + i).fma(x(x, at + i), a);
      i += L;
    }
    return sum(a, b) + tail(w, wAt, i, n, x, at);
  }

  private static float tail(float[] w, int wAt, int from, int n, float[] x, int at) {
    float rest = 0;
    for (int i = from; i < n; i++) {
      rest = Math.fma(w[wAt + i], x[at + i], rest);
    }
    return rest;
  }

  /** One row times four tokens. */
  private static void oneByFour(
      float[] w, int wAt, int n, float[] x, int at, int step, float[] out, int outAt, int outStep) {
    FloatVector a0 = FloatVector.zero(Lanes.FLOATS);
    FloatVector b0 = a0;
    FloatVector a1 = a0;
    FloatVector b1 = a0;
    FloatVector a2 = a0;
    FloatVector b2 = a0;
    FloatVector a3 = a0;
    FloatVector b3 = a0;
    int p = at + step;
    int q = at + 2 * step;
    int r = at + 3 * step;
    int i = 0;
    for (; i <= n - 2 * L; i += 2 * L) {
      FloatVector v = x(w, wAt + i);
      a0 = v.fma(x(x, at + i), a0);
      a1 = v.fma(x(x, p + i), a1);
      a2 = v.fma(x(x, q + i), a2);
      a3 = v.fma(x(x, r + i), a3);
      v = x(w, wAt + i + L);
      b0 = v.fma(x(x, at + i + L), b0);
      b1 = v.fma(x(x, p + i + L), b1);
      b2 = v.fma(x(x, q + i + L), b2);
      b3 = v.fma(x(x, r + i + L), b3);
    }
    if (i <= n - L) {
      FloatVector v = x(w, wAt + i);
      a0 = v.fma(x(x, at + i), a0);
      a1 = v.fma(x(x, p + i), a1);
      a2 = v.fma(x(x, q + i), a2);
      a3 = v.fma(x(x, r + i), a3);
      i += L;
    }
    out[outAt] = sum(a0, b0) + tail(w, wAt, i, n, x, at);
    out[outAt + outStep] = sum(a1, b1) + tail(w, wAt, i, n, x, p);
    out[outAt + 2 * outStep] = sum(a2, b2) + tail(w, wAt, i, n, x, q);
    out[outAt + 3 * outStep] = sum(a3, b3) + tail(w, wAt, i, n, x, r);
  }

  /**
   * Three rows times four tokens: seven loads for twelve products. A turn takes one vector, and the
   * accumulators change places: what is larger falls beyond the compiler's limit for inlining, and
   * each vector becomes an object. For the same reason the sums of lanes are a method of their own.
   *
   * @param n a multiple of two vectors
   * @param room receives the sums before lanes are added, token by token
   */
  private static void threeByFour(
      float[] w, int wAt, int n, float[] x, int at, int step, float[] room) {
    FloatVector zero = FloatVector.zero(Lanes.FLOATS);
    FloatVector a00 = zero;
    FloatVector b00 = zero;
    FloatVector a01 = zero;
    FloatVector b01 = zero;
    FloatVector a02 = zero;
    FloatVector b02 = zero;
    FloatVector a10 = zero;
    FloatVector b10 = zero;
    FloatVector a11 = zero;
    FloatVector b11 = zero;
    FloatVector a12 = zero;
    FloatVector b12 = zero;
    FloatVector a20 = zero;
    FloatVector b20 = zero;
    FloatVector a21 = zero;
    FloatVector b21 = zero;
    FloatVector a22 = zero;
    FloatVector b22 = zero;
    FloatVector a30 = zero;
    FloatVector b30 = zero;
    FloatVector a31 = zero;
    FloatVector b31 = zero;
    FloatVector a32 = zero;
    FloatVector b32 = zero;
    for (int i = 0; i < n; i += L) {
      FloatVector u = x(w, wAt + i);
      FloatVector v = x(w, wAt + n + i);
      FloatVector z = x(w, wAt + 2 * n + i);
      FloatVector y;
      FloatVector s;
      y = x(x, at + 0 * step + i);
      s = y.fma(u, a00);
      a00 = b00;
      b00 = s;
      s = y.fma(v, a01);
      a01 = b01;
      b01 = s;
      s = y.fma(z, a02);
      a02 = b02;
      b02 = s;
      y = x(x, at + 1 * step + i);
      s = y.fma(u, a10);
      a10 = b10;
      b10 = s;
      s = y.fma(v, a11);
      a11 = b11;
      b11 = s;
      s = y.fma(z, a12);
      a12 = b12;
      b12 = s;
      y = x(x, at + 2 * step + i);
      s = y.fma(u, a20);
      a20 = b20;
      b20 = s;
      s = y.fma(v, a21);
      a21 = b21;
      b21 = s;
      s = y.fma(z, a22);
      a22 = b22;
      b22 = s;
      y = x(x, at + 3 * step + i);
      s = y.fma(u, a30);
      a30 = b30;
      b30 = s;
      s = y.fma(v, a31);
      a31 = b31;
      b31 = s;
      s = y.fma(z, a32);
      a32 = b32;
      b32 = s;
    }
    a00.add(b00).intoArray(room, 0 * L);
    a01.add(b01).intoArray(room, 1 * L);
    a02.add(b02).intoArray(room, 2 * L);
    a10.add(b10).intoArray(room, 3 * L);
    a11.add(b11).intoArray(room, 4 * L);
    a12.add(b12).intoArray(room, 5 * L);
    a20.add(b20).intoArray(room, 6 * L);
    a21.add(b21).intoArray(room, 7 * L);
    a22.add(b22).intoArray(room, 8 * L);
    a30.add(b30).intoArray(room, 9 * L);
    a31.add(b31).intoArray(room, 10 * L);
    a32.add(b32).intoArray(room, 11 * L);
  }

  /**
   * Sums of the lanes of two vectors in {@code room}: in a method of its own, since inlined behind
   * a loop of eight accumulators it falls beyond the compiler's limit.
   */
  static void reduceTwo(float[] room, int at, float[] out, int outAt, int outStep) {
    out[outAt] = Lanes.sum(x(room, at)) + 0f;
    out[outAt + outStep] = Lanes.sum(x(room, at + L)) + 0f;
  }

  /** Pairs of rows whose sums of lanes {@link #reduceEights} makes in one go. */
  static final int PAIRS = 16;

  private static final VectorMask<Float> UPPER_8 = upper(8);
  private static final VectorMask<Float> UPPER_4 = upper(4);
  private static final VectorMask<Float> UPPER_2 = upper(2);
  private static final VectorMask<Float> UPPER_1 = upper(1);

  private static VectorMask<Float> upper(int distance) {
    boolean[] lanes = new boolean[L];
    for (int i = 0; i < L; i++) {
      lanes[i] = (i & distance) != 0;
    }
    return VectorMask.fromArray(Lanes.FLOATS, lanes, 0);
  }

  /**
   * Sums of the lanes of sixteen vectors of sixteen at a time: two rows times eight tokens, token
   * by token, each vector in two parts. Halves of two vectors share an addition, so sixteen sums
   * take little more than four would one by one; each adds the same pairs as {@link Lanes#sum}.
   *
   * @param room holds {@code pairs} times sixteen first and sixteen second parts from {@code at}
   *     on; overwritten
   * @param live tokens that are wanted
   * @param out token i's sum of pair r goes to {@code outAt + i · outStep + r}, that of the second
   *     row {@code half} behind it
   */
  static void reduceEights(
      float[] room, int at, int pairs, int live, float[] out, int outAt, int outStep, int half) {
    reduceHalves(room, at, pairs);
    for (int r = 0; r < pairs; r++) {
      int v = at + r * 32 * L;
      reduceQuarters(room, v);
      for (int i = 0; i < live; i++) {
        out[outAt + i * outStep + r] = room[v + 2 * i];
        out[outAt + i * outStep + r + half] = room[v + 2 * i + 1];
      }
    }
  }

  private static void reduceHalves(float[] room, int at, int pairs) {
    for (int r = 0; r < pairs; r++) {
      int v = at + r * 32 * L;
      for (int k = 0; k < 8 * L; k += L) {
        FloatVector a = x(room, v + k).add(x(room, v + k + 16 * L));
        FloatVector b = x(room, v + k + 8 * L).add(x(room, v + k + 24 * L));
        halves(a, b, UPPER_8, Lanes.SWAP_8).intoArray(room, v + k);
      }
    }
  }

  private static void reduceQuarters(float[] room, int v) {
    for (int k = 0; k < 2 * L; k += L) {
      FloatVector a = halves(x(room, v + k), x(room, v + k + 4 * L), UPPER_4, Lanes.SWAP_4);
      FloatVector b = halves(x(room, v + k + 2 * L), x(room, v + k + 6 * L), UPPER_4, Lanes.SWAP_4);
      halves(a, b, UPPER_2, Lanes.SWAP_2).intoArray(room, v + k);
    }
    halves(x(room, v), x(room, v + L), UPPER_1, Lanes.SWAP_1).add(0f).intoArray(room, v);
  }

  /** Sums of the halves of a in the lanes that the mask leaves, of b in those that it takes. */
  private static FloatVector halves(
      FloatVector a, FloatVector b, VectorMask<Float> upper, VectorShuffle<Float> swap) {
    return a.blend(b, upper).add(b.blend(a, upper).rearrange(swap));
  }

  private static void reduce(float[] room, int at, float[] out, int outAt) {
    out[outAt] = Lanes.sum(x(room, at)) + 0f;
    out[outAt + 1] = Lanes.sum(x(room, at + L)) + 0f;
    out[outAt + 2] = Lanes.sum(x(room, at + 2 * L)) + 0f;
  }
}
