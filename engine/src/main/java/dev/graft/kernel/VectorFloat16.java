package dev.graft.kernel;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.ShortVector;

/** float16 rows on the Vector API; for why the loops stand here see {@link VectorFloat32}. */
record VectorFloat16(String name, int rows, int columns, MemorySegment data) implements Matrix {
  VectorFloat16 {
    Codes.requireBytes(name, data, (long) rows * columns * 2);
  }

  @Override
  public long bytesPerRow() {
    return (long) columns * 2;
  }

  @Override
  public void decode(int row, int from, int to, float[] out, int at) {
    long start = ((long) row * columns + from) * 2;
    int n = to - from;
    int i = 0;
    for (; i <= n - Lanes.COUNT; i += Lanes.COUNT) {
      load(start + (long) i * 2).intoArray(out, at + i);
    }
    for (; i < n; i++) {
      out[at + i] = Codes.float16(data.get(Codes.SHORT, start + (long) i * 2));
    }
  }

  @Override
  public boolean fuses(int from, int to) {
    return true;
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
    for (int row = rowFrom; row < rowTo; row++) {
      out[outAt + row - rowFrom] = dot(row, from, to, x, at);
    }
  }

  private float dot(int row, int from, int to, float[] x, int at) {
    long start = ((long) row * columns + from) * 2;
    int n = to - from;
    FloatVector a = FloatVector.zero(Lanes.FLOATS);
    FloatVector b = a;
    int i = 0;
    for (; i <= n - 2 * Lanes.COUNT; i += 2 * Lanes.COUNT) {
      long o = start + (long) i * 2;
      a = load(o).fma(VectorDots.x(x, at + i), a);
      b = load(o + 2L * Lanes.COUNT).fma(VectorDots.x(x, at + i + Lanes.COUNT), b);
    }
    if (i <= n - Lanes.COUNT) {
      a = load(start + (long) i * 2).fma(VectorDots.x(x, at + i), a);
      i += Lanes.COUNT;
    }
    float rest = 0;
    for (; i < n; i++) {
      rest = Math.fma(Codes.float16(data.get(Codes.SHORT, start + (long) i * 2)), x[at + i], rest);
    }
    return VectorDots.sum(a, b) + rest;
  }

  /**
   * Infinity and NaN, which a file may hold where a number overflowed as it was made, must not pass
   * for numbers: by their exponent they are 2¹⁶ or more, which on its way up becomes infinity.
   */
  private FloatVector load(long offset) {
    return Lanes.fromFloat16(ShortVector.fromMemorySegment(Lanes.SHORTS, data, offset, Lanes.ORDER))
        .mul(0x1p112f)
        .mul(0x1p112f)
        .mul(0x1p-112f);
  }
}
