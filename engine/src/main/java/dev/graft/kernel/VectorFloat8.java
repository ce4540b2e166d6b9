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
    return 2 * Lanes.COUNT;
  }
}
