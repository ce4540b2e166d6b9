package dev.graft.score;

import dev.graft.checkpoint.InvalidInputException;
import dev.graft.lm.LanguageModel;
import dev.graft.task.Question;
import dev.graft.task.Task;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** The metrics of a task, applied to answers. */
public final class Scorer {
  private final List<Metric> metrics;
  private final List<Chain> chains;

  private record Chain(String name, List<Filter> filters) {
    String apply(Question.Write question, String text) {
      String rest = text;
      for (Filter filter : filters) {
        rest = filter.apply(question, rest);
      }
      return rest;
    }
  }

  /**
   * For a task.
   *
   * @param programs runs programs that a model wrote, if that is allowed
   * @throws InvalidInputException if it names a metric or a filter that there is not
   */
  public Scorer(Task task, Optional<CodeRunner> programs) {
    metrics =
        task.metrics().stream()
            .flatMap(named -> Metrics.of(task, named, programs).stream())
            .toList();
    List<Chain> all = new ArrayList<>();
    for (Task.FilterSpec spec : task.filters()) {
      all.add(
          new Chain(
              spec.name(), spec.steps().stream().map(step -> Filters.of(task, step)).toList()));
    }
    chains = List.copyOf(all);
  }

  /**
   * Names of all values that {@link #score} gives, with their metrics; a chain of filters makes
   * {@code metric,chain} of a metric.
   */
  public Map<String, Metric> names() {
    Map<String, Metric> names = new LinkedHashMap<>();
    for (Metric metric : metrics) {
      if (metric.rule() instanceof Metric.OfText && !chains.isEmpty()) {
        chains.forEach(chain -> names.put(metric.name() + "," + chain.name(), metric));
      } else {
        names.put(metric.name(), metric);
      }
    }
    return names;
  }

  /**
   * The values of one answer.
   *
   * @throws IOException if programs that were written could not be tried
   */
  public Map<String, Value> score(Question question, Outcome outcome) throws IOException {
    Map<String, Value> values = new LinkedHashMap<>();
    for (Metric metric : metrics) {
      switch (metric.rule()) {
        case Metric.OfChoice rule
            when question instanceof Question.Choose choose
                && outcome instanceof Outcome.Chosen chosen ->
            values.put(metric.name(), rule.of(choose, chosen.likelihoods()));
        case Metric.OfRolling rule
            when question instanceof Question.Roll roll
                && outcome instanceof Outcome.Rolled rolled ->
            values.put(metric.name(), rule.of(roll, rolled.likelihood()));
        case Metric.OfText rule
            when question instanceof Question.Write write && outcome instanceof Outcome.Text text ->
            texts(metric, rule, write, text.written().text(), values);
        case Metric.OfSamples rule
            when question instanceof Question.Write write && outcome instanceof Outcome.Text text ->
            values.put(metric.name(), rule.of(write, List.of(text.written().text())));
        case Metric.OfSamples rule
            when question instanceof Question.Write write
                && outcome instanceof Outcome.Samples samples ->
            values.put(
                metric.name(),
                rule.of(
                    write, samples.written().stream().map(LanguageModel.Written::text).toList()));
        default ->
            throw new IllegalArgumentException(metric.name() + " is of another kind of answer");
      }
    }
    return values;
  }

  private void texts(
      Metric metric,
      Metric.OfText rule,
      Question.Write question,
      String text,
      Map<String, Value> values) {
    if (chains.isEmpty()) {
      values.put(metric.name(), rule.of(question, text));
    }
    for (Chain chain : chains) {
      values.put(
          metric.name() + "," + chain.name(), rule.of(question, chain.apply(question, text)));
    }
  }
}
