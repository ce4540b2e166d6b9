package dev.graft.quantize;

import java.util.OptionalDouble;

/**
 * FP8 E4M3: scale = greatest magnitude / 448 of what shares it, code = e4m3(w / scale), both in
 * float32.
 *
 * @param rowBlock rows that share a scale; a panel begins at a multiple of it
 * @param columnBlock columns that share a scale
 * @param given the scale, where it was computed over more than a panel
 */
record Float8Panels(int rowBlock, int columnBlock, OptionalDouble given) implements PanelCoder {
  /** The scale of weights of a greatest magnitude; zeros get 1, so that every scale is above 0. */
  static float scale(float largest) {
    if (largest == 0) {
      return 1;
    }
    // Below this the quotient would be subnormal and w / scale inexact.
    return Math.max(largest / Float8Encoder.MAX, Float.MIN_NORMAL);
  }

  @Override
  public boolean shared() {
    return given.isPresent();
  }

  @Override
  public int scales(int rows, int columns) {
    return given.isPresent()
        ? 1
        : Math.multiplyExact(Math.ceilDiv(rows, rowBlock), Math.ceilDiv(columns, columnBlock));
  }

  @Override
  public void code(Panel panel) {
    if (given.isPresent()) {
      float scale = (float) given.getAsDouble();
      panel.scales()[0] = scale;
      code(panel, 0, panel.rows(), 0, panel.columns(), scale);
      return;
    }
    int at = 0;
    for (int row = 0; row < panel.rows(); row += rowBlock) {
      int rowEnd = Math.min(panel.rows(), row + rowBlock);
      for (int column = 0; column < panel.columns(); column += columnBlock) {
        int columnEnd = Math.min(panel.columns(), column + columnBlock);
        float scale = scale(largest(panel, row, rowEnd, column, columnEnd));
        panel.scales()[at++] = scale;
        code(panel, row, rowEnd, column, columnEnd, scale);
      }
    }
  }

  private static float largest(Panel panel, int row, int rowEnd, int column, int columnEnd) {
    float largest = 0;
    for (int r = row; r < rowEnd; r++) {
      for (int c = column; c < columnEnd; c++) {
        largest = Math.max(largest, Math.abs(panel.values()[r * panel.columns() + c]));
      }
    }
    return largest;
  }

  private static void code(
      Panel panel, int row, int rowEnd, int column, int columnEnd, float scale) {
    for (int r = row; r < rowEnd; r++) {
      for (int c = column; c < columnEnd; c++) {
        int at = r * panel.columns() + c;
        byte code = Float8Encoder.encode(panel.values()[at] / scale);
        panel.codes()[at] = code;
        panel.readBack()[at] = decode(code) * scale;
      }
    }
  }

  /** The value of a code that is not NaN: as float32 bits it is the value times 2^-120. */
  private static float decode(byte code) {
    return Float.intBitsToFloat((code & 0x80) << 24 | (code & 0x7F) << 20) * 0x1p120f;
  }
}
