package dev.graft.runs;

import dev.graft.checkpoint.InvalidInputException;
import java.util.List;

/**
 * How a run is laid out.
 *
 * @param layers of each stage
 * @param recomputed how many of them are recomputed
 * @param microBatches of a step, a replica
 * @param parameterBytes of a weight
 * @param gradientBytes of a gradient
 * @param optimizerBytes of a weight's moments
 * @param processBytes of a rank beyond its tensors
 */
public record Layout(
    List<Integer> layers,
    List<Integer> recomputed,
    int microBatches,
    int parameterBytes,
    int gradientBytes,
    int optimizerBytes,
    long processBytes) {
  /** Keeps its own lists; refuses ones that do not go together. */
  public Layout {
    layers = List.copyOf(layers);
    recomputed = List.copyOf(recomputed);
    if (layers.isEmpty() || layers.size() != recomputed.size() || microBatches < 1) {
      throw new InvalidInputException(
          "Stages %s with recomputed layers %s and %d micro-batches are no layout; give one number of each per stage"
              .formatted(layers, recomputed, microBatches));
    }
  }
}
