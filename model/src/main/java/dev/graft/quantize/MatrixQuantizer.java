package dev.graft.quantize;

import dev.graft.checkpoint.CheckpointWriter;
import dev.graft.checkpoint.DType;
import dev.graft.checkpoint.Encoder;
import dev.graft.checkpoint.InvalidInputException;
import dev.graft.checkpoint.StoredTensor;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.util.List;
import java.util.OptionalDouble;
import java.util.function.LongConsumer;
import java.util.stream.IntStream;

/**
 * Quantises one matrix panel by panel: {@value Scheme#BLOCK} rows at a time are in memory for each
 * processor, whatever the matrix's size.
 */
final class MatrixQuantizer {
  private final StoredTensor source;
  private final String name;
  private final Scheme scheme;
  private final int rows;
  private final int columns;

  /**
   * A matrix.
   *
   * @param source what is read
   * @param name by which the result is written
   */
  MatrixQuantizer(StoredTensor source, String name, Scheme scheme) {
    this.source = source;
    this.name = name;
    this.scheme = scheme;
    this.rows = Math.toIntExact(source.shape().get(0));
    this.columns = Math.toIntExact(source.shape().get(1));
  }

  /**
   * Writes codes and scales.
   *
   * @param written hears of bytes as they are written
   * @throws InvalidInputException if a weight is NaN or infinite
   */
  TensorError write(CheckpointWriter writer, LongConsumer written) throws IOException {
    source.requireFinite();
    PanelCoder coder = coder();
    int panels = Math.ceilDiv(rows, Scheme.BLOCK);
    int together = 2 * Runtime.getRuntime().availableProcessors();
    String scaleName = scheme.scaleName(name);
    TensorError error = new TensorError(name, kind(), rows, columns, 0, 0, 0, 0);
    long scaleAt = 0;
    for (int first = 0; first < panels; first += together) {
      List<Coded> done =
          IntStream.range(first, Math.min(panels, first + together))
              .parallel()
              .mapToObj(panel -> code(coder, panel * Scheme.BLOCK))
              .toList();
      for (Coded coded : done) {
        Panel panel = coded.panel();
        writer.write(name, (long) coded.row() * columns, MemorySegment.ofArray(panel.codes()));
        written.accept(panel.codes().length);
        if (!coder.shared() || coded.row() == 0) {
          MemorySegment scales = Encoder.encode(panel.scales(), scheme.scaleType());
          writer.write(scaleName, scaleAt, scales);
          scaleAt += scales.byteSize();
          written.accept(scales.byteSize());
        }
        error = error.with(coded.error());
      }
    }
    return error;
  }

  private record Coded(int row, Panel panel, TensorError error) {}

  private PanelCoder coder() {
    return switch (scheme) {
      case FP8_TENSOR ->
          new Float8Panels(
              rows, columns, OptionalDouble.of(Float8Panels.scale(largestMagnitude())));
      case FP8_CHANNEL -> new Float8Panels(1, columns, OptionalDouble.empty());
      case FP8_BLOCK -> new Float8Panels(Scheme.BLOCK, Scheme.BLOCK, OptionalDouble.empty());
      case Q8 -> new Int8Panels();
    };
  }

  private Coded code(PanelCoder coder, int row) {
    int count = Math.min(Scheme.BLOCK, rows - row);
    Panel panel = Panel.of(count, columns, coder.scales(count, columns));
    read(row, panel.values());
    coder.code(panel);
    return new Coded(row, panel, error(panel));
  }

  private float largestMagnitude() {
    return (float)
        IntStream.range(0, Math.ceilDiv(rows, Scheme.BLOCK))
            .parallel()
            .mapToDouble(panel -> {
              int row = panel * Scheme.BLOCK;
              float[] values = new float[Math.min(Scheme.BLOCK, rows - row) * columns];
              read(row, values);
              return largest(values);
            })
            .max()
            .orElse(0);
  }

  private void read(int row, float[] values) {
    source.rows(row, values.length / columns).copyTo(MemorySegment.ofArray(values));
    if (source.dtype() == DType.F64 && Float.isInfinite(largest(values))) {
      throw new InvalidInputException(
          source.file()
              + ": tensor "
              + source.name()
              + " holds a value beyond the range of float32; such a weight cannot be quantised");
    }
  }

  private static float largest(float[] values) {
    float largest = 0;
    for (float value : values) {
      largest = Math.max(largest, Math.abs(value));
    }
    return largest;
  }

  private TensorError error(Panel panel) {
    double max = 0;
    double squaredError = 0;
    double squaredWeight = 0;
    for (int i = 0; i < panel.values().length; i++) {
      double value = panel.values()[i];
      double difference = value - panel.readBack()[i];
      max = Math.max(max, Math.abs(difference));
      squaredError += difference * difference;
      squaredWeight += value * value;
    }
    return new TensorError(
        name,
        kind(),
        panel.rows(),
        columns,
        largest(panel.values()),
        max,
        squaredError,
        squaredWeight);
  }

  /** The last word of the name: {@code model.layers.3.mlp.up_proj.weight} is an up_proj. */
  private String kind() {
    String module = name.substring(0, name.length() - ".weight".length());
    return module.substring(module.lastIndexOf('.') + 1);
  }
}
