package dev.graft.loop;

import dev.graft.checkpoint.InvalidInputException;
import dev.graft.layout.Range;
import java.util.ArrayList;
import java.util.List;

/**
 * Which layers each stage of a pipeline computes and which of them it recomputes.
 *
 * @param chunks stretches of layers in the model's order; the i-th is on stage i mod {@code stages}
 * @param recompute per chunk, how many of its first layers run forward again in backward
 * @param stages of the pipeline
 */
public record StagePlan(List<Range> chunks, List<Integer> recompute, int stages) {
  /**
   * Reads it from a recipe.
   *
   * @param layers of the model
   * @throws InvalidInputException if they do not go together
   */
  public static StagePlan of(Recipe recipe, int layers) {
    Recipe.Parallel parallel = recipe.parallel();
    int stages = parallel.mesh().pp();
    int parts = stages * parallel.interleave();
    List<Integer> lengths = parallel.stages().isEmpty() ? even(layers, parts) : parallel.stages();
    int sum = lengths.stream().mapToInt(Integer::intValue).sum();
    if (lengths.size() != parts || sum != layers || lengths.stream().anyMatch(n -> n < 1)) {
      throw new InvalidInputException(
          "recipe: parallel.stages is "
              + lengths
              + ", "
              + sum
              + " layers in "
              + lengths.size()
              + " stretches; give "
              + parts
              + " numbers of at least 1 (pp × interleave) that sum to the model's "
              + layers
              + " layers");
    }
    List<Range> chunks = new ArrayList<>();
    int at = 0;
    for (int length : lengths) {
      chunks.add(new Range(at, at + length));
      at += length;
    }
    return new StagePlan(List.copyOf(chunks), recompute(recipe, lengths), stages);
  }

  /** Where they cannot be equal the first are the longer ones: the last has the head. */
  private static List<Integer> even(int layers, int parts) {
    List<Integer> lengths = new ArrayList<>();
    for (int i = 0; i < parts; i++) {
      lengths.add(layers / parts + (i < layers % parts ? 1 : 0));
    }
    return lengths;
  }

  private static List<Integer> recompute(Recipe recipe, List<Integer> lengths) {
    List<Integer> given = recipe.parallel().recompute();
    if (given.isEmpty()) {
      List<Integer> counts = new ArrayList<>();
      int left = recipe.recomputeLayers();
      for (int length : lengths) {
        counts.add(Math.min(left, length));
        left -= Math.min(left, length);
      }
      return List.copyOf(counts);
    }
    boolean fits = given.size() == lengths.size() && recipe.recomputeLayers() == 0;
    for (int i = 0; fits && i < given.size(); i++) {
      fits = given.get(i) >= 0 && given.get(i) <= lengths.get(i);
    }
    if (!fits) {
      throw new InvalidInputException(
          "recipe: parallel.recompute is "
              + given
              + " for stretches of "
              + lengths
              + " layers; give one number per stretch, none larger than it, and leave recompute_layers at 0");
    }
    return given;
  }

  /** What a stage holds, ascending. */
  List<Range> of(int stage) {
    List<Range> own = new ArrayList<>();
    for (int i = stage; i < chunks.size(); i += stages) {
      own.add(chunks.get(i));
    }
    return List.copyOf(own);
  }

  /** Recomputed layers of a stage's c-th chunk. */
  int recompute(int stage, int chunk) {
    return recompute.get(chunk * stages + stage);
  }
}
