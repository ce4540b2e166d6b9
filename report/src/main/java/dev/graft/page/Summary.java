package dev.graft.page;

import dev.graft.events.Event;
import dev.graft.events.LayerStats;
import dev.graft.events.RunEvents;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.ToDoubleFunction;
import java.util.stream.DoubleStream;

/**
 * One run in a line, from all of its events.
 *
 * @param steps taken
 * @param tokens trained on
 * @param loss training loss in nats, mean of the last twentieth of the steps
 * @param validationLoss the last one measured
 * @param bestValidation the least one measured
 * @param tokensPerSecond median over the steps
 * @param mfu median over the steps
 * @param memoryBytes largest resident set
 * @param seconds sum of the steps' wall time
 * @param dropRate mean over the MoE layers and the last fifth of the steps
 */
record Summary(
    int steps,
    long tokens,
    OptionalDouble loss,
    OptionalDouble validationLoss,
    Optional<Event.Validation> bestValidation,
    OptionalDouble tokensPerSecond,
    OptionalDouble mfu,
    long memoryBytes,
    double seconds,
    OptionalDouble dropRate) {

  static Summary of(RunEvents events) {
    List<Event.Step> steps = events.of(Event.Step.class);
    List<Event.Validation> validations = events.of(Event.Validation.class);
    return new Summary(
        steps.isEmpty() ? 0 : steps.getLast().step(),
        steps.isEmpty() ? 0 : steps.getLast().tokens(),
        tail(steps, 20).mapToDouble(Event.Step::loss).average(),
        validations.isEmpty()
            ? OptionalDouble.empty()
            : OptionalDouble.of(validations.getLast().loss()),
        validations.stream()
            .filter(v -> !Double.isNaN(v.loss()))
            .min(Comparator.comparingDouble(Event.Validation::loss)),
        median(steps, Event.Step::tokensPerSecond),
        median(steps, Event.Step::mfu),
        steps.stream().mapToLong(Event.Step::memoryBytes).max().orElse(0),
        steps.stream().mapToDouble(Event.Step::seconds).sum(),
        tail(steps, 5)
            .flatMap(step -> step.layers().stream())
            .mapToDouble(LayerStats::dropRate)
            .average());
  }

  /** The last {@code 1 / part} of the steps, at least one. */
  private static java.util.stream.Stream<Event.Step> tail(List<Event.Step> steps, int part) {
    return steps.subList(steps.size() - Math.ceilDiv(steps.size(), part), steps.size()).stream();
  }

  private static OptionalDouble median(List<Event.Step> steps, ToDoubleFunction<Event.Step> value) {
    double[] sorted = steps.stream().mapToDouble(value).filter(Double::isFinite).toArray();
    if (sorted.length == 0) {
      return OptionalDouble.empty();
    }
    Arrays.sort(sorted);
    int middle = sorted.length / 2;
    return DoubleStream.of(sorted[middle], sorted[(sorted.length - 1) / 2]).average();
  }
}
