package dev.graft.checkpoint;

/**
 * Element types of a stored tensor, by the names that safetensors gives them; and the block types
 * of GGUF, by ggml's.
 */
public enum DType {
  F64(8),
  F32(4),
  F16(2),
  BF16(2),
  F8_E4M3(1),
  I64(8),
  I32(4),
  I8(1),
  U8(1),
  Q8_0,
  Q4_0,
  Q4_1;

  private final int bytes;

  DType(int bytes) {
    this.bytes = bytes;
  }

  /** A block type: its elements are not whole bytes, or not bytes alone. */
  DType() {
    this(0);
  }

  /** Bytes per element; 0 for a block type of GGUF. */
  public int bytes() {
    return bytes;
  }

  /** Whether elements come in blocks that share a scale, as in GGUF alone. */
  public boolean inBlocks() {
    return bytes == 0;
  }
}
