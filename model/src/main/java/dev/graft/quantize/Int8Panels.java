package dev.graft.quantize;

import dev.graft.checkpoint.Weight;

/**
 * Signed bytes: scale = greatest magnitude / 127 of 32 columns, rounded to float16 first; then code
 * = w / scale to the nearest whole number, ties to even, within ±127.
 */
record Int8Panels() implements PanelCoder {
  private static final int MAX = 127;
  private static final float LARGEST_HALF = 65504;
  private static final float LEAST_HALF = 0x1p-24f;

  /** Greatest magnitude that blocks can hold. */
  static final float LARGEST_WEIGHT = MAX * LARGEST_HALF;

  /**
   * The float16 scale of a block, as float32; 0 for a block of zeros. Where float16 is subnormal
   * and so coarse that rounding down would cut the greatest weight off, it is rounded up.
   */
  static float scale(float largest) {
    if (largest == 0) {
      return 0;
    }
    float scale = Float.float16ToFloat(Float.floatToFloat16(largest / MAX));
    if (largest > (MAX + 0.5f) * scale) {
      scale += LEAST_HALF;
    }
    return Math.min(scale, LARGEST_HALF);
  }

  @Override
  public boolean shared() {
    return false;
  }

  @Override
  public int scales(int rows, int columns) {
    return Math.multiplyExact(rows, Math.ceilDiv(columns, Weight.BLOCK));
  }

  @Override
  public void code(Panel panel) {
    int scaleAt = 0;
    for (int row = 0; row < panel.rows(); row++) {
      int start = row * panel.columns();
      int end = start + panel.columns();
      for (int block = start; block < end; block += Weight.BLOCK) {
        int blockEnd = Math.min(end, block + Weight.BLOCK);
        float largest = 0;
        for (int i = block; i < blockEnd; i++) {
          largest = Math.max(largest, Math.abs(panel.values()[i]));
        }
        float scale = scale(largest);
        panel.scales()[scaleAt++] = scale;
        for (int i = block; i < blockEnd; i++) {
          byte code = code(panel.values()[i], scale);
          panel.codes()[i] = code;
          panel.readBack()[i] = code * scale;
        }
      }
    }
  }

  private static byte code(float value, float scale) {
    if (scale == 0) {
      return 0;
    }
    return (byte) Math.clamp((float) Math.rint(value / scale), -MAX, MAX);
  }
}
