package dev.graft.gguf;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** Blocks of 32 quantised numbers, as ggml-quants.c defines them. */
public final class GgmlBlocks {
  /** Numbers of a block. */
  public static final int SIZE = 32;

  private static final int HALF = SIZE / 2;

  private GgmlBlocks() {}

  /**
   * Decodes blocks to float32.
   *
   * @param type Q8_0, Q4_0 or Q4_1
   * @param to room for {@code elements} float32 values
   * @param elements a multiple of 32
   */
  public static void toFloats(GgmlType type, MemorySegment from, MemorySegment to, long elements) {
    for (long block = 0; block < elements / SIZE; block++) {
      long at = block * type.blockBytes();
      long out = block * SIZE * 4;
      float scale = half(from, at);
      switch (type) {
        case Q8_0 -> {
          for (int i = 0; i < SIZE; i++) {
            to.set(
                GgufCursor.FLOAT,
                out + i * 4L,
                from.get(ValueLayout.JAVA_BYTE, at + 2 + i) * scale);
          }
        }
        case Q4_0 -> {
          for (int i = 0; i < HALF; i++) {
            int codes = from.get(ValueLayout.JAVA_BYTE, at + 2 + i);
            to.set(GgufCursor.FLOAT, out + i * 4L, ((codes & 15) - 8) * scale);
            to.set(GgufCursor.FLOAT, out + (HALF + i) * 4L, ((codes >> 4 & 15) - 8) * scale);
          }
        }
        case Q4_1 -> {
          float least = half(from, at + 2);
          for (int i = 0; i < HALF; i++) {
            int codes = from.get(ValueLayout.JAVA_BYTE, at + 4 + i);
            to.set(GgufCursor.FLOAT, out + i * 4L, (codes & 15) * scale + least);
            to.set(GgufCursor.FLOAT, out + (HALF + i) * 4L, (codes >> 4 & 15) * scale + least);
          }
        }
        case F32, F16, BF16 -> throw new IllegalArgumentException(type + " has no blocks");
      }
    }
  }

  /**
   * Q4_0 as signed bytes and scales apart; the same numbers.
   *
   * @param codes room for a byte per element
   * @param scales room for a float16 per 32 elements
   */
  public static void widenQ4(
      MemorySegment from, MemorySegment codes, MemorySegment scales, long elements) {
    for (long block = 0; block < elements / SIZE; block++) {
      long at = block * GgmlType.Q4_0.blockBytes();
      scales.set(GgufCursor.SHORT, block * 2, from.get(GgufCursor.SHORT, at));
      for (int i = 0; i < HALF; i++) {
        int pair = from.get(ValueLayout.JAVA_BYTE, at + 2 + i);
        codes.set(ValueLayout.JAVA_BYTE, block * SIZE + i, (byte) ((pair & 15) - 8));
        codes.set(ValueLayout.JAVA_BYTE, block * SIZE + HALF + i, (byte) ((pair >> 4 & 15) - 8));
      }
    }
  }

  /** The first block whose scale or minimum is not finite, or −1. */
  public static long firstNotFinite(GgmlType type, MemorySegment data, long elements) {
    for (long block = 0; block < elements / SIZE; block++) {
      long at = block * type.blockBytes();
      if (!Float.isFinite(half(data, at))
          || (type == GgmlType.Q4_1 && !Float.isFinite(half(data, at + 2)))) {
        return block;
      }
    }
    return -1;
  }

  /**
   * Rounds a row to Q8_0, as quantize_row_q8_0_ref does: scale = max |x| / 127, codes by the
   * unrounded scale's reciprocal, halves away from zero.
   *
   * @param row a multiple of 32 finite numbers
   * @param offset in bytes, where the row's blocks begin in {@code to}
   */
  public static void quantize(float[] row, MemorySegment to, long offset) {
    for (int block = 0; block < row.length / SIZE; block++) {
      float largest = 0;
      for (int i = 0; i < SIZE; i++) {
        largest = Math.max(largest, Math.abs(row[block * SIZE + i]));
      }
      float scale = largest / 127;
      float inverse = scale == 0 ? 0 : 1 / scale;
      long at = offset + (long) block * GgmlType.Q8_0.blockBytes();
      to.set(GgufCursor.SHORT, at, Float.floatToFloat16(scale));
      for (int i = 0; i < SIZE; i++) {
        double scaled = row[block * SIZE + i] * inverse;
        to.set(
            ValueLayout.JAVA_BYTE,
            at + 2 + i,
            (byte) Math.copySign(Math.floor(Math.abs(scaled) + 0.5), scaled));
      }
    }
  }

  private static float half(MemorySegment data, long at) {
    return Float.float16ToFloat(data.get(GgufCursor.SHORT, at));
  }
}
