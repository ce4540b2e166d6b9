package dev.graft.checkpoint;

import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;

/**
 * A tensor as it lies in a file, mapped into memory.
 *
 * @param name its name
 * @param dtype its element type
 * @param shape row-major
 * @param data its bytes; valid while the checkpoint is open
 * @param file the file it is in
 * @param position of its first byte in that file; −1 if the file has its rows in another order, so
 *     that only {@code data} can be copied
 */
public record StoredTensor(
    String name, DType dtype, List<Long> shape, MemorySegment data, Path file, long position) {
  /** How many elements. */
  public long elements() {
    return shape.stream().reduce(1L, Math::multiplyExact);
  }

  /** How many bytes. */
  public long bytes() {
    return data.byteSize();
  }

  /** Consecutive rows of a matrix, in place. */
  public StoredTensor rows(long first, long count) {
    long row = shape.getLast() * dtype.bytes();
    return new StoredTensor(
        name,
        dtype,
        List.of(count, shape.getLast()),
        data.asSlice(first * row, count * row),
        file,
        position < 0 ? position : position + first * row);
  }

  /**
   * Decodes every element to float32.
   *
   * @param floats room for {@link #elements} float32 values in native order
   */
  public void copyTo(MemorySegment floats) {
    Decoder.toFloats(dtype, data, floats, elements());
  }

  /** Every element as float32, for tensors that fit an array. */
  public float[] toFloats() {
    float[] values = new float[Math.toIntExact(elements())];
    copyTo(MemorySegment.ofArray(values));
    return values;
  }

  /**
   * Refuses NaN and infinity.
   *
   * @throws InvalidInputException naming file, tensor and position of the first
   */
  public void requireFinite() {
    long at = Decoder.firstNotFinite(dtype, data, elements());
    if (at >= 0) {
      throw new InvalidInputException(
          file
              + ": tensor "
              + name
              + " holds a value that is not finite at element "
              + at
              + "; the checkpoint is damaged, take an earlier one");
    }
  }
}
