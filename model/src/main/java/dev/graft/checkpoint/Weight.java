package dev.graft.checkpoint;

import java.lang.foreign.MemorySegment;

/**
 * A matrix [rows, columns] as it lies in a file, and what its codes mean. Nothing is copied: who
 * multiplies with it decodes it on the way.
 */
public sealed interface Weight {
  /** Columns that share one scale in {@link Int8}. */
  int BLOCK = 32;

  /** Output features. */
  int rows();

  /** Input features. */
  int columns();

  /** The name of its tensor, for messages. */
  String name();

  /**
   * Numbers of type F32, F16 or BF16, row-major.
   *
   * @param data its bytes
   */
  record Plain(String name, int rows, int columns, DType dtype, MemorySegment data)
      implements Weight {}

  /**
   * FP8 E4M3 codes, row-major: w[r][c] = e4m3(codes[r][c]) · scales[(r / rowBlock) · ⌈columns /
   * columnBlock⌉ + c / columnBlock].
   *
   * @param codes one byte each
   * @param scales above 0 and finite
   * @param rowBlock rows that share a scale: all (per tensor), 1 (per channel) or 128 (block)
   * @param columnBlock columns that share a scale
   */
  record Float8(
      String name,
      int rows,
      int columns,
      MemorySegment codes,
      float[] scales,
      int rowBlock,
      int columnBlock)
      implements Weight {}

  /**
   * Signed bytes in blocks of {@value #BLOCK} columns with a float16 scale each: w[r][c] = code ·
   * scale. Code (r, c) is the byte at {@code codeStart + r · codeRow + (c / 32) · codeBlock + c %
   * 32} of {@code codes}, its scale the float16 at {@code scaleStart + r · scaleRow + (c / 32) ·
   * scaleBlock} of {@code scales}; so both a pair of tensors and GGUF's interleaved Q8_0 are read
   * in place.
   */
  record Int8(
      String name,
      int rows,
      int columns,
      MemorySegment codes,
      long codeStart,
      long codeRow,
      long codeBlock,
      MemorySegment scales,
      long scaleStart,
      long scaleRow,
      long scaleBlock)
      implements Weight {
    /** A tensor of codes [rows, columns] and one of scales [rows, ⌈columns / 32⌉]. */
    public static Int8 of(
        String name, int rows, int columns, MemorySegment codes, MemorySegment scales) {
      long blocks = ((long) columns + BLOCK - 1) / BLOCK;
      return new Int8(name, rows, columns, codes, 0, columns, BLOCK, scales, 0, blocks * 2, 2);
    }
  }
}
