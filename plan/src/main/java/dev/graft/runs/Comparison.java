package dev.graft.runs;

import dev.graft.checkpoint.InvalidInputException;
import dev.graft.events.Event;
import dev.graft.events.RunEvents;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalDouble;
import java.util.function.ToDoubleFunction;

/**
 * A prediction beside what a run recorded. Times are medians over steps; of the timeline, over the
 * steps that were recorded.
 *
 * @param rows term by term
 * @param steps how many steps the times are of
 */
public record Comparison(List<Row> rows, int steps) {
  /** Steps at the start of a run that warm up and do not count. */
  private static final int WARM_UP = 5;

  /** Keeps its own list. */
  public Comparison {
    rows = List.copyOf(rows);
  }

  /** What a number is of. */
  public enum Unit {
    SECONDS,
    BYTES
  }

  /**
   * A term.
   *
   * @param name of it, for people
   * @param rank of the run, or -1 for all
   * @param predicted in {@code unit}
   * @param measured in {@code unit}
   */
  public record Row(String name, int rank, Unit unit, double predicted, double measured) {
    /** Predicted against measured: 0.1 is a tenth too much. */
    public double error() {
      return measured == 0 ? Double.NaN : predicted / measured - 1;
    }
  }

  /**
   * Compares.
   *
   * @param ranksPerStage data-parallel replicas: ranks of a stage follow each other
   * @throws InvalidInputException if the run recorded too little
   */
  public static Comparison of(RunEvents run, Prediction prediction, int ranksPerStage) {
    List<Event.Timeline> timelines =
        run.of(Event.Timeline.class).stream().filter(t -> t.step() > WARM_UP).toList();
    List<Integer> watched = timelines.stream().map(Event.Timeline::step).toList();
    double[] steps =
        run.of(Event.Step.class).stream()
            .filter(step -> step.step() > WARM_UP && !watched.contains(step.step()))
            .mapToDouble(Event.Step::seconds)
            .toArray();
    if (steps.length == 0) {
      throw new InvalidInputException(
          "%s: it has no step after the first %d, which warm up; train for longer"
              .formatted(run.file(), WARM_UP));
    }
    List<Row> rows = new ArrayList<>();
    rows.add(new Row("step", -1, Unit.SECONDS, prediction.seconds(), median(steps)));
    int ranks = prediction.stages().size() * ranksPerStage;
    for (int rank = 0; rank < ranks; rank++) {
      StagePrediction stage = prediction.stages().get(rank / ranksPerStage);
      int number = rank;
      spans(timelines, rank, "compute", "forward")
          .ifPresent(seconds -> rows.add(seconds("forward", number, stage.forward(), seconds)));
      spans(timelines, rank, "compute", "backward")
          .ifPresent(seconds -> rows.add(seconds("backward", number, stage.backward(), seconds)));
      if (prediction.stages().size() > 1) {
        spans(timelines, rank, "pipeline-wait", "")
            .ifPresent(
                seconds -> rows.add(seconds("pipeline wait", number, stage.waiting(), seconds)));
      }
      after(timelines, rank)
          .ifPresent(
              seconds -> rows.add(seconds("sums, optimiser, data", number, stage.end(), seconds)));
    }
    memory(run)
        .forEach(memory -> {
          StagePrediction stage = prediction.stages().get(memory.rank() / ranksPerStage);
          double held = (double) memory.peak() - memory.baseline();
          rows.add(new Row("memory", memory.rank(), Unit.BYTES, stage.bytes(), held));
        });
    return new Comparison(rows, steps.length);
  }

  private static Row seconds(String name, int rank, double predicted, double measured) {
    return new Row(name, rank, Unit.SECONDS, predicted, measured);
  }

  /** The last that was recorded. */
  private static List<Event.RankMemory> memory(RunEvents run) {
    List<Event.Memory> all = run.of(Event.Memory.class);
    return all.isEmpty() ? List.of() : all.getLast().ranks();
  }

  private static OptionalDouble spans(
      List<Event.Timeline> timelines, int rank, String kind, String prefix) {
    return over(
        timelines,
        rank,
        track ->
            track.spans().stream()
                .filter(span -> span.kind().equals(kind) && span.name().startsWith(prefix))
                .mapToDouble(Event.Span::seconds)
                .sum());
  }

  /** Of a step, what is neither a pass nor a wait between passes. */
  private static OptionalDouble after(List<Event.Timeline> timelines, int rank) {
    return over(
        timelines,
        rank,
        track -> {
          double passes = 0;
          double end = 0;
          for (Event.Span span : track.spans()) {
            boolean pass = span.kind().equals("compute") && !span.name().equals("optimizer");
            passes += pass || span.kind().equals("pipeline-wait") ? span.seconds() : 0;
            end = Math.max(end, span.start() + span.seconds());
          }
          return end - passes;
        });
  }

  private static OptionalDouble over(
      List<Event.Timeline> timelines, int rank, ToDoubleFunction<Event.Track> value) {
    double[] values =
        timelines.stream()
            .flatMap(timeline -> timeline.tracks().stream())
            .filter(track -> track.rank() == rank)
            .mapToDouble(value)
            .toArray();
    return values.length == 0 ? OptionalDouble.empty() : OptionalDouble.of(median(values));
  }

  private static double median(double[] values) {
    double[] sorted = values.clone();
    Arrays.sort(sorted);
    return (sorted[(sorted.length - 1) / 2] + sorted[sorted.length / 2]) / 2;
  }
}
