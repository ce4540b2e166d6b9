package dev.graft.kernel;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/**
 * float32 rows on the Vector API. Its loops stand again in {@link VectorBFloat16} and {@link
 * VectorFloat16}: shared, with a load to override, each vector would become an object as soon as a
 * process has weights of two forms.
 */
record VectorFloat32(String name, int rows, int columns, MemorySegment data) implements Matrix {
  VectorFloat32 {
    Codes.requireBytes(name, data, (long) rows * columns * 4);
  }

  @Override
  public long bytesPerRow() {
    return (long) columns * 4;
  }

  @Override
  public void decode(int row, int from, int to, float[] out, int at) {
    long start = ((long) row * columns + from) * 4;
    int n = to - from;
    int i = 0;
    for (; i <= n - Lanes.COUNT; i += Lanes.COUNT) {
      load(start + (long) i * 4).intoArray(out, at + i);
    }
    for (; i < n; i++) {
      out[at + i] = data.get(Codes.FLOAT, start + (long) i * 4);
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
    long start = ((long) row * columns + from) * 4;
    int n = to - from;
    FloatVector a = FloatVector.zero(Lanes.FLOATS);
    FloatVector b = a;
    int i = 0;
    for (; i <= n - 2 * Lanes.COUNT; i += 2 * Lanes.COUNT) {
      long o = start + (long) i * 4;
      a = load(o).fma(VectorDots.x(x, at + i), a);
      b = load(o + 4L * Lanes.COUNT).fma(VectorDots.x(x, at + i + Lanes.COUNT), b);
    }
    if (i <= n - Lanes.COUNT) {
      a = load(start + (long) i * 4).fma(VectorDots.x(x, at + i), a);
      i += Lanes.COUNT;
    }
    float rest = 0;
    for (; i < n; i++) {
      rest = Math.fma(data.get(Codes.FLOAT, start + (long) i * 4), x[at + i], rest);
    }
    return VectorDots.sum(a, b) + rest;
  }

  private FloatVector load(long offset) {
    return FloatVector.fromMemorySegment(Lanes.FLOATS, data, offset, Lanes.ORDER);
  }
}
