package dev.graft.cli;

import dev.graft.quantize.Quantized;
import dev.graft.quantize.TensorError;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** What {@code graft quantize} prints about the weights it changed. */
final class QuantizeReport {
  private final Quantized result;

  QuantizeReport(Quantized result) {
    this.result = result;
  }

  /**
   * A row for each kind of weight: greatest magnitude, greatest difference, and the root mean
   * square of the differences over that of the weights, of all together and of the worst tensor.
   */
  String table(boolean everyTensor) {
    StringBuilder text = new StringBuilder();
    if (everyTensor) {
      int width = result.errors().stream().mapToInt(e -> e.name().length()).max().orElse(6);
      String row = "%-" + width + "s %14s %16.4g %12.4g %14.4f%n";
      text.append(
          String.format(
              Locale.ROOT,
              "%-" + width + "s %14s %16s %12s %14s%n",
              "tensor",
              "shape",
              "largest weight",
              "max error",
              "relative RMS %"));
      for (TensorError e : result.errors()) {
        text.append(
            String.format(
                Locale.ROOT,
                row,
                e.name(),
                e.rows() + " × " + e.columns(),
                e.largestWeight(),
                e.maxError(),
                100 * e.relativeRms()));
      }
      return text.toString();
    }
    text.append(
        String.format(
            Locale.ROOT,
            "%-12s %7s %16s %12s %14s %15s%n",
            "weights",
            "tensors",
            "largest weight",
            "max error",
            "relative RMS %",
            "worst tensor %"));
    byKind().forEach((kind, errors) -> text.append(row(kind, errors)));
    text.append(row("all", result.errors()));
    return text.toString();
  }

  /** What was written, and its size. */
  String sentence(Path out) {
    return String.format(
        Locale.ROOT,
        "wrote %s: %,.1f MB, %.1f %% of %,.1f MB",
        out,
        result.bytesAfter() / 1e6,
        100.0 * result.bytesAfter() / result.bytesBefore(),
        result.bytesBefore() / 1e6);
  }

  /** Every tensor, every kind, warnings and sizes. */
  ObjectNode json() {
    ObjectNode root = JsonMapper.shared().createObjectNode();
    root.put("bytes_before", result.bytesBefore());
    root.put("bytes_after", result.bytesAfter());
    result.warnings().forEach(root.putArray("warnings")::add);
    ObjectNode kinds = root.putObject("kinds");
    byKind().forEach((kind, errors) -> summary(kinds.putObject(kind), errors));
    summary(kinds.putObject("all"), result.errors());
    var tensors = root.putArray("tensors");
    for (TensorError e : result.errors()) {
      ObjectNode tensor = tensors.addObject();
      tensor.put("name", e.name());
      tensor.put("rows", e.rows());
      tensor.put("columns", e.columns());
      tensor.put("largest_weight", e.largestWeight());
      tensor.put("max_error", e.maxError());
      tensor.put("relative_rms", e.relativeRms());
    }
    return root;
  }

  private Map<String, List<TensorError>> byKind() {
    Map<String, List<TensorError>> kinds = new LinkedHashMap<>();
    for (TensorError error : result.errors()) {
      kinds.computeIfAbsent(error.kind(), _ -> new ArrayList<>()).add(error);
    }
    return kinds;
  }

  private static void summary(ObjectNode into, List<TensorError> errors) {
    into.put("tensors", errors.size());
    into.put("largest_weight", largestWeight(errors));
    into.put("max_error", maxError(errors));
    into.put("relative_rms", relativeRms(errors));
    into.put("worst_relative_rms", worst(errors));
  }

  private static String row(String kind, List<TensorError> errors) {
    return String.format(
        Locale.ROOT,
        "%-12s %7d %16.4g %12.4g %14.4f %15.4f%n",
        kind,
        errors.size(),
        largestWeight(errors),
        maxError(errors),
        100 * relativeRms(errors),
        100 * worst(errors));
  }

  private static double largestWeight(List<TensorError> errors) {
    return errors.stream().mapToDouble(TensorError::largestWeight).max().orElse(0);
  }

  private static double maxError(List<TensorError> errors) {
    return errors.stream().mapToDouble(TensorError::maxError).max().orElse(0);
  }

  private static double relativeRms(List<TensorError> errors) {
    double weight = errors.stream().mapToDouble(TensorError::squaredWeight).sum();
    double error = errors.stream().mapToDouble(TensorError::squaredError).sum();
    return weight == 0 ? 0 : Math.sqrt(error / weight);
  }

  private static double worst(List<TensorError> errors) {
    return errors.stream().mapToDouble(TensorError::relativeRms).max().orElse(0);
  }
}
