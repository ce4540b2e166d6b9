package dev.graft.checkpoint;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/**
 * What the codes of a checkpoint's weights mean: FP8 with a {@code weight_scale} per tensor or per
 * row or a {@code weight_scale_inv} per block, signed bytes with a float16 {@code weight_scale} per
 * block of 32 columns, or plain numbers.
 */
final class Dequantizer {
  private final Path directory;
  private final Map<String, StoredTensor> tensors;
  private final QuantizationConfig.Blocks blocks;

  Dequantizer(Path directory, Map<String, StoredTensor> tensors, QuantizationConfig.Blocks blocks) {
    this.directory = directory;
    this.tensors = tensors;
    this.blocks = blocks;
  }

  /**
   * Refuses a quantised tensor that cannot be read.
   *
   * @throws InvalidInputException if its scales are missing, of another shape, zero or not finite
   */
  void check(StoredTensor tensor) {
    if (tensor.dtype() == DType.F8_E4M3 || tensor.dtype() == DType.I8) {
      weight(tensor);
    }
  }

  /** A weight in place. */
  Weight weight(StoredTensor tensor) {
    String name = tensor.name();
    int columns = Math.toIntExact(tensor.shape().getLast());
    int rows = Math.toIntExact(tensor.elements() / columns);
    return switch (tensor.dtype()) {
      case F32, F16, BF16 -> new Weight.Plain(name, rows, columns, tensor.dtype(), tensor.data());
      case F8_E4M3 -> float8(tensor, rows, columns);
      case I8 -> int8(tensor, rows, columns);
      case F64, I64, I32, U8, Q8_0, Q4_0, Q4_1 ->
          throw new InvalidInputException(
              tensor.file()
                  + ": tensor "
                  + name
                  + " is "
                  + tensor.dtype()
                  + ", which the engine does not multiply with; convert it to F32 or BF16");
    };
  }

  private Weight float8(StoredTensor tensor, int rows, int columns) {
    StoredTensor inverse = tensors.get(tensor.name() + "_scale_inv");
    if (inverse != null && !(isOne(inverse) && !blocks.given())) {
      return blocks(tensor, inverse, rows, columns);
    }
    StoredTensor scale = inverse == null ? scale(tensor, "FP8") : inverse;
    boolean one = isOne(scale);
    boolean perRow =
        scale.shape().equals(List.of((long) rows))
            || scale.shape().equals(List.of((long) rows, 1L));
    if (!one && !perRow && blocks.given()) {
      return blocks(tensor, scale, rows, columns);
    }
    requireShape(scale, one || perRow, "one scale, or [" + rows + ", 1]: one per row");
    return new Weight.Float8(
        tensor.name(), rows, columns, tensor.data(), positive(scale), one ? rows : 1, columns);
  }

  private Weight blocks(StoredTensor tensor, StoredTensor scale, int rows, int columns) {
    List<Long> shape =
        List.of(
            (long) Math.ceilDiv(rows, blocks.rows()),
            (long) Math.ceilDiv(columns, blocks.columns()));
    requireShape(
        scale,
        scale.shape().equals(shape),
        shape + " for blocks of " + blocks.rows() + " × " + blocks.columns());
    return new Weight.Float8(
        tensor.name(),
        rows,
        columns,
        tensor.data(),
        positive(scale),
        blocks.rows(),
        blocks.columns());
  }

  private static boolean isOne(StoredTensor scale) {
    return scale.elements() == 1 && scale.shape().size() < 2;
  }

  private Weight int8(StoredTensor tensor, int rows, int columns) {
    StoredTensor scale = scale(tensor, "I8");
    List<Long> shape = List.of((long) rows, (long) Math.ceilDiv(columns, Weight.BLOCK));
    requireShape(scale, scale.shape().equals(shape), shape.toString());
    if (scale.dtype() != DType.F16) {
      throw new InvalidInputException(
          scale.file()
              + ": tensor "
              + scale.name()
              + " is "
              + scale.dtype()
              + "; the scales of I8 blocks are F16");
    }
    scale.requireFinite();
    requireUsable(tensor, scale, columns);
    return Weight.Int8.of(tensor.name(), rows, columns, tensor.data(), scale.data());
  }

  /** A scale of 0 stands for a block of zeros, and for nothing else. */
  private static void requireUsable(StoredTensor tensor, StoredTensor scale, int columns) {
    int perRow = Math.ceilDiv(columns, Weight.BLOCK);
    long blocks = scale.elements();
    MemorySegment data = scale.data();
    for (int block = 0; block < blocks; block++) {
      short bits = data.get(Decoder.SHORT, block * 2L);
      if (bits <= 0 && !(bits == 0 && zeros(tensor, block / perRow, block % perRow, columns))) {
        throw new InvalidInputException(
            scale.file()
                + ": tensor "
                + scale.name()
                + " holds "
                + Float.float16ToFloat(bits)
                + " at element "
                + block
                + "; a scale must be above 0 where a code of its block is not 0");
      }
    }
  }

  private static boolean zeros(StoredTensor tensor, int row, int block, int columns) {
    int end = Math.min(columns, (block + 1) * Weight.BLOCK);
    for (int column = block * Weight.BLOCK; column < end; column++) {
      if (tensor.data().get(ValueLayout.JAVA_BYTE, (long) row * columns + column) != 0) {
        return false;
      }
    }
    return true;
  }

  private StoredTensor scale(StoredTensor tensor, String type) {
    String name = tensor.name() + "_scale";
    StoredTensor scale = tensors.get(name);
    if (scale == null) {
      throw new InvalidInputException(
          directory
              + ": tensor "
              + name
              + " is missing, without which the "
              + type
              + " tensor "
              + tensor.name()
              + " cannot be read");
    }
    return scale;
  }

  private static void requireShape(StoredTensor scale, boolean right, String wanted) {
    if (!right) {
      throw new InvalidInputException(
          scale.file()
              + ": tensor "
              + scale.name()
              + " has the shape "
              + scale.shape()
              + "; it must be "
              + wanted);
    }
  }

  private static float[] positive(StoredTensor scale) {
    float[] values = scale.toFloats();
    for (float value : values) {
      if (!(value > 0) || Float.isInfinite(value)) {
        throw new InvalidInputException(
            scale.file()
                + ": tensor "
                + scale.name()
                + " holds "
                + value
                + "; a scale must be above 0 and finite");
      }
    }
    return values;
  }

  /** Decodes a quantised weight to float32, row by row. */
  static void copy(Weight weight, MemorySegment floats) {
    WeightRows rows = new WeightRows(weight);
    float[] row = new float[weight.columns()];
    for (int r = 0; r < weight.rows(); r++) {
      rows.copy(r, row);
      MemorySegment.copy(
          MemorySegment.ofArray(row), 0, floats, (long) r * row.length * 4, row.length * 4L);
    }
  }
}
