package dev.graft.published;

import dev.graft.cost.Setting;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * A published training run, or a layer's published times, complete enough to be replayed.
 *
 * @param id unique
 * @param group rows of one group are near-duplicates
 * @param side which figure it counts in
 * @param setting model, mesh, devices, software
 * @param recomputedShare of the layers that are recomputed whole, from 0 to 1
 * @param microBatches of a step
 * @param metric what is compared
 * @param reported as the source prints it, or as it follows from what is printed
 * @param assumptions what the source does not say, and what was taken instead
 * @param why what the model leaves out, where that is known
 */
public record PublishedRun(
    String id,
    String group,
    Side side,
    Setting setting,
    double recomputedShare,
    int microBatches,
    Metric metric,
    double reported,
    List<String> assumptions,
    Optional<String> why) {
  /** What is compared. */
  public enum Metric {
    ITERATION_S,
    TOKENS_PER_S_PER_GPU,
    LAYER_FORWARD_MS,
    LAYER_BACKWARD_MS;

    /** As in the file: {@code iteration_s}. */
    public String key() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /** Which figure a row counts in. */
  public enum Side {
    /** Its group was used to fit the constants. */
    FIT,
    /** It was not. */
    TEST,
    /** What is missing had to be made up: an illustration, in no figure. */
    ILLUSTRATION;

    /** {@code fit}. */
    public String key() {
      return name().toLowerCase(Locale.ROOT);
    }
  }

  /** Keeps its own list. */
  public PublishedRun {
    assumptions = List.copyOf(assumptions);
  }

  /** Whether the model has experts. */
  public boolean isMixture() {
    return setting.shape().experts().layers() > 0;
  }

  /** A step's seconds in the metric of the row. */
  double inMetric(double seconds) {
    return metric == Metric.TOKENS_PER_S_PER_GPU
        ? setting.job().tokens() / seconds / setting.parallelism().world()
        : seconds;
  }
}
