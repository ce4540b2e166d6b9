package dev.graft.quantize;

import java.util.List;

/**
 * What a run did.
 *
 * @param errors of every quantised weight, in the order of the layers
 * @param warnings sentences that the user should read
 * @param bytesBefore of the tensors that were read
 * @param bytesAfter of the tensors that were written
 */
public record Quantized(
    List<TensorError> errors, List<String> warnings, long bytesBefore, long bytesAfter) {
  /** Keeps its own copies. */
  public Quantized {
    errors = List.copyOf(errors);
    warnings = List.copyOf(warnings);
  }
}
