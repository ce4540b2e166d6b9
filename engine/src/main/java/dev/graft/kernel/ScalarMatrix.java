package dev.graft.kernel;

import dev.graft.checkpoint.DType;
import dev.graft.checkpoint.Weight;

/**
 * A weight read one value at a time, by the definition of its form.
 *
 * @param fused whether the products go with it: they add from the first column to the last, as
 *     {@link ScalarKernels#dots} does and {@link VectorKernels#dots} does not
 */
record ScalarMatrix(Weight weight, boolean fused) implements Matrix {
  @Override
  public int rows() {
    return weight.rows();
  }

  @Override
  public int columns() {
    return weight.columns();
  }

  @Override
  public long bytesPerRow() {
    return switch (weight) {
      case Weight.Plain plain -> (long) plain.columns() * plain.dtype().bytes();
      case Weight.Float8 float8 ->
          float8.columns()
              + 4L * Math.ceilDiv(float8.columns(), float8.columnBlock()) / float8.rowBlock();
      case Weight.Int8 int8 -> int8.columns() + 2L * Math.ceilDiv(int8.columns(), Weight.BLOCK);
    };
  }

  @Override
  public void decode(int row, int from, int to, float[] out, int at) {
    for (int column = from; column < to; column++) {
      out[at + column - from] = value(row, column);
    }
  }

  @Override
  public boolean fuses(int from, int to) {
    return fused;
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
    float sum = 0;
    for (int column = from; column < to; column++) {
      sum = Math.fma(value(row, column), x[at + column - from], sum);
    }
    return sum;
  }

  private float value(int row, int column) {
    return switch (weight) {
      case Weight.Plain plain -> plain(plain, (long) row * plain.columns() + column);
      case Weight.Float8 w -> {
        int scale =
            row / w.rowBlock() * Math.ceilDiv(w.columns(), w.columnBlock())
                + column / w.columnBlock();
        byte code = w.codes().get(Codes.BYTE, (long) row * w.columns() + column);
        yield Codes.float8(code) * 0x1p120f * w.scales()[scale];
      }
      case Weight.Int8 w -> {
        long block = column / Weight.BLOCK;
        long code =
            w.codeStart() + row * w.codeRow() + block * w.codeBlock() + column % Weight.BLOCK;
        long scale = w.scaleStart() + row * w.scaleRow() + block * w.scaleBlock();
        yield w.codes().get(Codes.BYTE, code) * Codes.float16(w.scales().get(Codes.SHORT, scale));
      }
    };
  }

  private static float plain(Weight.Plain plain, long element) {
    if (plain.dtype() == DType.BF16) {
      return Codes.bfloat16(plain.data().get(Codes.SHORT, element * 2));
    }
    if (plain.dtype() == DType.F16) {
      return Codes.float16(plain.data().get(Codes.SHORT, element * 2));
    }
    return plain.data().get(Codes.FLOAT, element * 4);
  }
}
