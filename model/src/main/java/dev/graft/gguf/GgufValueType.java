package dev.graft.gguf;

import java.util.Arrays;
import java.util.Optional;

/** Types of metadata values. */
enum GgufValueType {
  UINT8(0, 1),
  INT8(1, 1),
  UINT16(2, 2),
  INT16(3, 2),
  UINT32(4, 4),
  INT32(5, 4),
  FLOAT32(6, 4),
  BOOL(7, 1),
  STRING(8, 8),
  ARRAY(9, 12),
  UINT64(10, 8),
  INT64(11, 8),
  FLOAT64(12, 8);

  private final int code;
  private final int bytes;

  GgufValueType(int code, int bytes) {
    this.code = code;
    this.bytes = bytes;
  }

  /** The format's number. */
  int code() {
    return code;
  }

  static Optional<GgufValueType> of(int code) {
    return Arrays.stream(values()).filter(t -> t.code == code).findFirst();
  }

  /** Bytes that a value takes, or takes at least. */
  int bytes() {
    return bytes;
  }
}
