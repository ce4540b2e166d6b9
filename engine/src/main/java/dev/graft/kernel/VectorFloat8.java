package dev.graft.kernel;

import dev.graft.checkpoint.Weight;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;

/**
 * FP8 rows on the Vector API. A code becomes the float32 that is the value times 2⁻¹²⁰ by three
 * integer operations; 2¹²⁰ sits in the scale.
 */
final class VectorFloat8 implements Matrix {
  /** Above, the scale with 2¹²⁰ in it would overflow. */
  static final float LARGEST_SCALE = 128;

  private final int rows;
  private final int columns;
  private final MemorySegment codes;
  private final float[] scales;
  private final int rowBlock;
  private final int columnBlock;
  private final int scalesPerRow;

  VectorFloat8(Weight.Float8 weight) {
    Codes.requireBytes(weight.name(), weight.codes(), (long) weight.rows() * weight.columns());
    rows = weight.rows();
    columns = weight.columns();
    codes = weight.codes();
    rowBlock = weight.rowBlock();
    columnBlock = weight.columnBlock();
    scalesPerRow = Math.ceilDiv(columns, columnBlock);
    scales = weight.scales().clone();
    for (int i = 0; i < scales.length; i++) {
      scales[i] *= 0x1p120f;
    }
  }

  @Override
  public int rows() {
    return rows;
  }

  @Override
  public int columns() {
    return columns;
  }

  @Override
  public long bytesPerRow() {
    return columns + 4L * scalesPerRow / rowBlock;
  }

  @Override
  public void decode(int row, int from, int to, float[] out, int at) {
    int scaleRow = row / rowBlock * scalesPerRow;
    for (int start = from; start < to; ) {
      int end = Math.min(to, (start / columnBlock + 1) * columnBlock);
      decodeSpan(
          (long) row * columns + start,
          end - start,
          scales[scaleRow + start / columnBlock],
          out,
          at + start - from);
      start = end;
    }
  }

  private void decodeSpan(long offset, int n, float scale, float[] out, int at) {
    int i = 0;
    if (Lanes.COUNT >= 8) {
      FloatVector factor = FloatVector.broadcast(Lanes.FLOATS, scale);
      for (; i <= n - Lanes.COUNT; i += Lanes.COUNT) {
        load(offset + i).mul(factor).intoArray(out, at + i);
      }
    }
    for (; i < n; i++) {
      out[at + i] = Codes.float8(codes.get(Codes.BYTE, offset + i)) * scale;
    }
  }

  /** One scale over the row, or blocks that whole groups of four vectors fit into. */
  @Override
  public boolean fuses(int from, int to) {
    return Lanes.COUNT >= 8
        && (scalesPerRow == 1
            || (Integer.bitCount(columnBlock) == 1
                && columnBlock >= 4 * Lanes.COUNT
                && from % columnBlock == 0));
  }

  @Override
  public void dot(
      int rowFrom,
      int rowTo,
      int from,
      int to,
      float[] x,
      int at,
      float[] room,
      float[] out,
      int outAt) {
    int row = rowFrom;
    if (scalesPerRow == 1 && Lanes.COUNT >= 16 && (to - from) % (2 * Lanes.COUNT) == 0) {
      // Far apart, so that each is a stream of its own to the prefetcher.
      int half = (rowTo - rowFrom) / 2;
      for (; row < rowFrom + half; row++) {
        pair(row, row + half, from, to - from, x, at, room);
        VectorDots.reduceTwo(room, 0, out, outAt + row - rowFrom, half);
      }
      row += half;
    }
    for (; row < rowTo; row++) {
      out[outAt + row - rowFrom] = dot(row, from, to, x, at);
    }
  }

  private float dot(int row, int from, int to, float[] x, int at) {
    int scaleAt = row / rowBlock * scalesPerRow + from / columnBlock;
    return scalesPerRow == 1
        ? wholeRow((long) row * columns + from, to - from, scales[scaleAt], x, at)
        : blocks((long) row * columns + from, to - from, scaleAt, x, at);
  }

  @Override
  public boolean fusesTokens(int from, int to) {
    return scalesPerRow == 1 && Lanes.COUNT >= 16 && (to - from) % (2 * Lanes.COUNT) == 0;
  }

  @Override
  public void dots(
      int rowFrom,
      int rowTo,
      int from,
      int to,
      float[] x,
      int at,
      int step,
      int tokens,
      float[] room,
      float[] out,
      int outAt,
      int outStep) {
    int half = (rowTo - rowFrom) / 2;
    for (int t = 0; t < tokens; t += 4) {
      int live = Math.min(4, tokens - t);
      // Places without a token repeat the last one.
      int p = at + t * step;
      int q = at + Math.min(t + 1, tokens - 1) * step;
      int r = at + Math.min(t + 2, tokens - 1) * step;
      int s = at + Math.min(t + 3, tokens - 1) * step;
      for (int row = 0; row < half; row++) {
        fours(rowFrom + row, rowFrom + row + half, from, to - from, x, p, q, r, s, room);
        for (int i = 0; i < live; i++) {
          VectorDots.reduceTwo(
              room, 2 * i * Lanes.COUNT, out, outAt + (t + i) * outStep + row, half);
        }
      }
      for (int row = 2 * half; row < rowTo - rowFrom; row++) {
        for (int i = 0; i < live; i++) {
          out[outAt + (t + i) * outStep + row] =
              dot(rowFrom + row, from, to, x, at + (t + i) * step);
        }
      }
    }
  }

  /**
   * Two rows times four tokens; the sums of lanes come later. A turn takes one vector, and the
   * accumulators change places: more falls beyond the compiler's limit for inlining.
   */
  private void fours(
      int row, int other, int from, int n, float[] x, int p, int q, int r, int s, float[] room) {
    long start = (long) row * columns + from;
    long next = (long) other * columns + from;
    FloatVector f = FloatVector.broadcast(Lanes.FLOATS, scales[row / rowBlock]);
    FloatVector g = FloatVector.broadcast(Lanes.FLOATS, scales[other / rowBlock]);
    FloatVector zero = FloatVector.zero(Lanes.FLOATS);
    FloatVector a00 = zero;
    FloatVector b00 = zero;
    FloatVector a01 = zero;
    FloatVector b01 = zero;
    FloatVector a10 = zero;
    FloatVector b10 = zero;
    FloatVector a11 = zero;
    FloatVector b11 = zero;
    FloatVector a20 = zero;
    FloatVector b20 = zero;
    FloatVector a21 = zero;
    FloatVector b21 = zero;
    FloatVector a30 = zero;
    FloatVector b30 = zero;
    FloatVector a31 = zero;
    FloatVector b31 = zero;
    for (int i = 0; i < n; i += Lanes.COUNT) {
      FloatVector v = load(start + i).mul(f);
      FloatVector w = load(next + i).mul(g);
      FloatVector u;
      FloatVector z;
      u = VectorDots.x(x, p + i);
      z = v.fma(u, a00);
      a00 = b00;
      b00 = z;
      z = w.fma(u, a01);
      a01 = b01;
      b01 = z;
      u = VectorDots.x(x, q + i);
      z = v.fma(u, a10);
      a10 = b10;
      b10 = z;
      z = w.fma(u, a11);
      a11 = b11;
      b11 = z;
      u = VectorDots.x(x, r + i);
      z = v.fma(u, a20);
      a20 = b20;
      b20 = z;
      z = w.fma(u, a21);
      a21 = b21;
      b21 = z;
      u = VectorDots.x(x, s + i);
      z = v.fma(u, a30);
      a30 = b30;
      b30 = z;
      z = w.fma(u, a31);
      a31 = b31;
      b31 = z;
    }
    a00.add(b00).intoArray(room, 0 * Lanes.COUNT);
    a01.add(b01).intoArray(room, 1 * Lanes.COUNT);
    a10.add(b10).intoArray(room, 2 * Lanes.COUNT);
    a11.add(b11).intoArray(room, 3 * Lanes.COUNT);
    a20.add(b20).intoArray(room, 4 * Lanes.COUNT);
    a21.add(b21).intoArray(room, 5 * Lanes.COUNT);
    a30.add(b30).intoArray(room, 6 * Lanes.COUNT);
    a31.add(b31).intoArray(room, 7 * Lanes.COUNT);
  }

  private float wholeRow(long start, int n, float scale, float[] x, int at) {
    FloatVector factor = FloatVector.broadcast(Lanes.FLOATS, scale);
    FloatVector a = FloatVector.zero(Lanes.FLOATS);
    FloatVector b = a;
    int i = 0;
    for (; i <= n - 4 * Lanes.COUNT; i += 4 * Lanes.COUNT) {
      long o = start + i;
      a = load(o).mul(factor).fma(VectorDots.x(x, at + i), a);
      b = load(o + Lanes.COUNT).mul(factor).fma(VectorDots.x(x, at + i + Lanes.COUNT), b);
      a = load(o + 2L * Lanes.COUNT).mul(factor).fma(VectorDots.x(x, at + i + 2 * Lanes.COUNT), a);
      b = load(o + 3L * Lanes.COUNT).mul(factor).fma(VectorDots.x(x, at + i + 3 * Lanes.COUNT), b);
    }
    return finish(start, i, n, scale, x, at, a, b);
  }

  /** Two rows at once share the loads of x, and one's sum of lanes hides behind the other's. */
  private void pair(int row, int other, int from, int n, float[] x, int at, float[] room) {
    long start = (long) row * columns + from;
    long next = (long) other * columns + from;
    FloatVector s = FloatVector.broadcast(Lanes.FLOATS, scales[row / rowBlock]);
    FloatVector t = FloatVector.broadcast(Lanes.FLOATS, scales[other / rowBlock]);
    FloatVector a0 = FloatVector.zero(Lanes.FLOATS);
    FloatVector b0 = a0;
    FloatVector a1 = a0;
    FloatVector b1 = a0;
    for (int i = 0; i < n; i += 2 * Lanes.COUNT) {
      FloatVector u = VectorDots.x(x, at + i);
      a0 = load(start + i).mul(s).fma(u, a0);
      a1 = load(next + i).mul(t).fma(u, a1);
      u = VectorDots.x(x, at + i + Lanes.COUNT);
      b0 = load(start + i + Lanes.COUNT).mul(s).fma(u, b0);
      b1 = load(next + i + Lanes.COUNT).mul(t).fma(u, b1);
    }
    a0.add(b0).intoArray(room, 0);
    a1.add(b1).intoArray(room, Lanes.COUNT);
  }

  private float blocks(long start, int n, int scaleAt, float[] x, int at) {
    FloatVector a = FloatVector.zero(Lanes.FLOATS);
    FloatVector b = a;
    int shift = Integer.numberOfTrailingZeros(columnBlock);
    int i = 0;
    for (; i <= n - 4 * Lanes.COUNT; i += 4 * Lanes.COUNT) {
      long o = start + i;
      FloatVector factor = FloatVector.broadcast(Lanes.FLOATS, scales[scaleAt + (i >> shift)]);
      a = load(o).mul(factor).fma(VectorDots.x(x, at + i), a);
      b = load(o + Lanes.COUNT).mul(factor).fma(VectorDots.x(x, at + i + Lanes.COUNT), b);
      a = load(o + 2L * Lanes.COUNT).mul(factor).fma(VectorDots.x(x, at + i + 2 * Lanes.COUNT), a);
      b = load(o + 3L * Lanes.COUNT).mul(factor).fma(VectorDots.x(x, at + i + 3 * Lanes.COUNT), b);
    }
    float scale = i < n ? scales[scaleAt + (i >> shift)] : 0;
    return finish(start, i, n, scale, x, at, a, b);
  }

  /** What is left: fewer than four vectors, which share one scale. */
  private float finish(
      long start, int done, int n, float scale, float[] x, int at, FloatVector a, FloatVector b) {
    FloatVector factor = FloatVector.broadcast(Lanes.FLOATS, scale);
    FloatVector first = a;
    FloatVector second = b;
    int i = done;
    if (i <= n - Lanes.COUNT) {
      first = load(start + i).mul(factor).fma(VectorDots.x(x, at + i), first);
      i += Lanes.COUNT;
    }
    if (i <= n - Lanes.COUNT) {
      second = load(start + i).mul(factor).fma(VectorDots.x(x, at + i), second);
      i += Lanes.COUNT;
    }
    if (i <= n - Lanes.COUNT) {
      first = load(start + i).mul(factor).fma(VectorDots.x(x, at + i), first);
      i += Lanes.COUNT;
    }
    float rest = 0;
    for (; i < n; i++) {
      rest = Math.fma(Codes.float8(codes.get(Codes.BYTE, start + i)) * scale, x[at + i], rest);
    }
    return VectorDots.sum(first, second) + rest;
  }

  private FloatVector load(long offset) {
    return Lanes.fromFloat8(ByteVector.fromMemorySegment(Lanes.BYTES, codes, offset, Lanes.ORDER));
  }

  @Override
  public int room(int rows) {
    return 8 * Lanes.COUNT;
  }
}
