package dev.graft.gguf;

import java.util.List;

/**
 * Where a tensor lies in a file.
 *
 * @param name its name
 * @param type its element type
 * @param shape row-major: the last dimension is a row (ggml writes them the other way round)
 * @param position of its first byte in the file
 */
public record GgufTensor(String name, GgmlType type, List<Long> shape, long position) {
  /** How many elements. */
  public long elements() {
    return shape.stream().reduce(1L, Math::multiplyExact);
  }

  /** How many bytes. */
  public long bytes() {
    return type.bytes(elements());
  }
}
