package dev.graft.gguf;

import java.util.Map;
import java.util.Optional;

/** Element types of a tensor, by ggml's names and numbers; rows are whole blocks. */
public enum GgmlType {
  F32(0, 1, 4),
  F16(1, 1, 2),
  /** 32 codes of 4 bits and a float16 scale: w = (code − 8) · scale. */
  Q4_0(2, 32, 18),
  /** 32 codes of 4 bits, a float16 scale and a float16 minimum: w = code · scale + minimum. */
  Q4_1(3, 32, 20),
  /** A float16 scale and 32 signed bytes: w = code · scale. */
  Q8_0(8, 32, 34),
  BF16(30, 1, 2);

  /** ggml's other types, so that a refusal can name them. */
  private static final Map<Integer, String> OTHERS =
      Map.ofEntries(
          Map.entry(6, "Q5_0"),
          Map.entry(7, "Q5_1"),
          Map.entry(9, "Q8_1"),
          Map.entry(10, "Q2_K"),
          Map.entry(11, "Q3_K"),
          Map.entry(12, "Q4_K"),
          Map.entry(13, "Q5_K"),
          Map.entry(14, "Q6_K"),
          Map.entry(15, "Q8_K"),
          Map.entry(16, "IQ2_XXS"),
          Map.entry(17, "IQ2_XS"),
          Map.entry(18, "IQ3_XXS"),
          Map.entry(19, "IQ1_S"),
          Map.entry(20, "IQ4_NL"),
          Map.entry(21, "IQ3_S"),
          Map.entry(22, "IQ2_S"),
          Map.entry(23, "IQ4_XS"),
          Map.entry(24, "I8"),
          Map.entry(25, "I16"),
          Map.entry(26, "I32"),
          Map.entry(27, "I64"),
          Map.entry(28, "F64"),
          Map.entry(29, "IQ1_M"),
          Map.entry(34, "TQ1_0"),
          Map.entry(35, "TQ2_0"),
          Map.entry(39, "MXFP4"),
          Map.entry(40, "NVFP4"));

  private final int code;
  private final int blockElements;
  private final int blockBytes;

  GgmlType(int code, int blockElements, int blockBytes) {
    this.code = code;
    this.blockElements = blockElements;
    this.blockBytes = blockBytes;
  }

  int code() {
    return code;
  }

  /** Elements of one block, along a row; 1 for plain numbers. */
  public int blockElements() {
    return blockElements;
  }

  /** Bytes of one block. */
  public int blockBytes() {
    return blockBytes;
  }

  /** Bytes of so many elements, which are whole blocks. */
  public long bytes(long elements) {
    return Math.multiplyExact(elements / blockElements, blockBytes);
  }

  static Optional<GgmlType> of(int code) {
    for (GgmlType type : values()) {
      if (type.code == code) {
        return Optional.of(type);
      }
    }
    return Optional.empty();
  }

  /** A type's name, or its number where it has none. */
  static String describe(int code) {
    return of(code).map(GgmlType::name).orElse(OTHERS.getOrDefault(code, "number " + code));
  }
}
