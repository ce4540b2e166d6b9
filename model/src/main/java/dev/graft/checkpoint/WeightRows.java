package dev.graft.checkpoint;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** A weight's rows as float32, one at a time, for what streams through models of any size. */
public final class WeightRows {
  private final Weight weight;

  /** Rows of a weight, which is read where it lies. */
  public WeightRows(Weight weight) {
    this.weight = weight;
  }

  /**
   * Decodes a row.
   *
   * @param into [columns]
   * @throws InvalidInputException if a number is NaN or infinite
   */
  public void copy(int row, float[] into) {
    switch (weight) {
      case Weight.Plain plain -> {
        long bytes = (long) plain.columns() * plain.dtype().bytes();
        Decoder.toFloats(
            plain.dtype(),
            plain.data().asSlice(row * bytes, bytes),
            MemorySegment.ofArray(into),
            plain.columns());
      }
      case Weight.Float8 codes -> float8(codes, row, into);
      case Weight.Int8 codes -> int8(codes, row, into);
    }
    for (int c = 0; c < weight.columns(); c++) {
      if (!Float.isFinite(into[c])) {
        throw new InvalidInputException(
            "tensor "
                + weight.name()
                + " holds a value that is not finite at row "
                + row
                + ", column "
                + c
                + "; the checkpoint is damaged, take an earlier one");
      }
    }
  }

  private static void float8(Weight.Float8 weight, int row, float[] into) {
    int columns = weight.columns();
    int scalesInRow = (columns + weight.columnBlock() - 1) / weight.columnBlock();
    int firstScale = row / weight.rowBlock() * scalesInRow;
    for (int c = 0; c < columns; c++) {
      byte code = weight.codes().get(ValueLayout.JAVA_BYTE, (long) row * columns + c);
      into[c] = Decoder.float8(code) * weight.scales()[firstScale + c / weight.columnBlock()];
    }
  }

  private static void int8(Weight.Int8 weight, int row, float[] into) {
    for (int first = 0; first < weight.columns(); first += Weight.BLOCK) {
      long block = first / Weight.BLOCK;
      float scale =
          Float.float16ToFloat(
              weight
                  .scales()
                  .get(
                      Decoder.SHORT,
                      weight.scaleStart() + row * weight.scaleRow() + block * weight.scaleBlock()));
      long codes = weight.codeStart() + row * weight.codeRow() + block * weight.codeBlock();
      for (int c = first; c < Math.min(first + Weight.BLOCK, weight.columns()); c++) {
        into[c] = weight.codes().get(ValueLayout.JAVA_BYTE, codes + c - first) * scale;
      }
    }
  }
}
