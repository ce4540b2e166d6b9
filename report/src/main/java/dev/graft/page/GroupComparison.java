package dev.graft.page;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * The runs of one group by learning rate, and which rate ended lowest.
 *
 * @param group name of the group
 * @param rates in rising order; runs without a known rate count as one
 */
record GroupComparison(String group, List<Rate> rates) {
  /**
   * The repetitions of one learning rate.
   *
   * @param learningRate empty where it is not known
   * @param runs names
   * @param mean of the final losses, in nats; NaN where a run diverged
   * @param spread their sample standard deviation (n − 1); empty for a single run
   * @param least the lowest of them
   * @param greatest the highest of them
   */
  record Rate(
      OptionalDouble learningRate,
      List<String> runs,
      double mean,
      OptionalDouble spread,
      double least,
      double greatest) {}

  /** The rate of the lowest mean. */
  Optional<Rate> best() {
    return rates.stream()
        .filter(rate -> !Double.isNaN(rate.mean()))
        .min(Comparator.comparingDouble(Rate::mean));
  }

  /** By what runs are compared: the training loss only where a run has no validation. */
  enum Measure {
    VALIDATION_LOSS,
    LOSS;

    static Measure of(List<RunData> runs) {
      return runs.stream().allMatch(run -> run.summary().validationLoss().isPresent())
          ? VALIDATION_LOSS
          : LOSS;
    }

    private double of(Summary summary) {
      OptionalDouble value = this == LOSS ? summary.loss() : summary.validationLoss();
      return value.orElse(Double.NaN);
    }
  }

  /** Groups in the order of their first runs. */
  static List<GroupComparison> of(List<RunData> runs, Measure measure) {
    Map<String, Map<OptionalDouble, List<RunData>>> groups = new LinkedHashMap<>();
    for (RunData run : runs) {
      groups
          .computeIfAbsent(run.series().group(), _ -> new LinkedHashMap<>())
          .computeIfAbsent(LearningRate.of(run.series(), run.run()), _ -> new ArrayList<>())
          .add(run);
    }
    List<GroupComparison> comparisons = new ArrayList<>();
    groups.forEach((group, rates) ->
        comparisons.add(
            new GroupComparison(
                group,
                rates.entrySet().stream()
                    .map(rate -> rate(rate.getKey(), rate.getValue(), measure))
                    .sorted(Comparator.comparingDouble(r -> r.learningRate().orElse(0)))
                    .toList())));
    return comparisons;
  }

  private static Rate rate(OptionalDouble learningRate, List<RunData> runs, Measure measure) {
    double[] losses = runs.stream().mapToDouble(run -> measure.of(run.summary())).toArray();
    double mean = 0;
    double least = Double.POSITIVE_INFINITY;
    double greatest = Double.NEGATIVE_INFINITY;
    for (double loss : losses) {
      mean += loss / losses.length;
      least = Math.min(least, loss);
      greatest = Math.max(greatest, loss);
    }
    double squares = 0;
    for (double loss : losses) {
      squares += (loss - mean) * (loss - mean);
    }
    return new Rate(
        learningRate,
        runs.stream().map(run -> run.series().name()).toList(),
        mean,
        losses.length < 2
            ? OptionalDouble.empty()
            : OptionalDouble.of(Math.sqrt(squares / (losses.length - 1))),
        least,
        greatest);
  }
}
