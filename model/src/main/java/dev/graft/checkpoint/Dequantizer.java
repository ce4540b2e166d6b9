package dev.graft.checkpoint;

import java.nio.file.Path;
import java.util.Map;

/** FP8 weights with one {@code weight_scale} per tensor: w = q · scale. */
final class Dequantizer {
  private Dequantizer() {}

  /**
   * The scale of an FP8 tensor.
   *
   * @throws InvalidInputException if it is missing, not one number, zero or not finite
   */
  static float scale(Path directory, StoredTensor tensor, Map<String, StoredTensor> tensors) {
    String name = tensor.name() + "_scale";
    StoredTensor scale = tensors.get(name);
    if (scale == null) {
      throw new InvalidInputException(
          directory
              + ": tensor "
              + name
              + " is missing, without which the FP8 tensor "
              + tensor.name()
              + " cannot be read");
    }
    if (scale.elements() != 1) {
      throw new InvalidInputException(
          scale.file()
              + ": tensor "
              + name
              + " has the shape "
              + scale.shape()
              + "; one scale per tensor is read");
    }
    float value = scale.toFloats()[0];
    if (!(value > 0) || Float.isInfinite(value)) {
      throw new InvalidInputException(
          scale.file() + ": tensor " + name + " is " + value + "; a scale must be above 0");
    }
    return value;
  }
}
