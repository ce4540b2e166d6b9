package dev.graft.score;

import dev.graft.checkpoint.InvalidInputException;
import dev.graft.lm.LanguageModel;
import dev.graft.task.OutputType;
import dev.graft.task.Task;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import java.util.regex.Pattern;

/** The metrics that tasks can name, with lm-evaluation-harness 0.4.13's definitions. */
final class Metrics {
  private static final Pattern SPACE = Pattern.compile("\\s+", Pattern.UNICODE_CHARACTER_CLASS);

  private Metrics() {}

  /**
   * A metric of a task.
   *
   * @throws InvalidInputException if there is none of this name for the task's type
   */
  static Metric of(Task task, Task.Named named) {
    Map<String, Metric> known = known(task.outputType());
    Metric metric = known.get(named.name());
    if (metric == null) {
      throw new InvalidInputException(
          task.name()
              + ": there is no metric "
              + named.name()
              + " for "
              + task.outputType().key()
              + "; there are "
              + String.join(", ", known.keySet().stream().sorted().toList()));
    }
    for (String argument : named.arguments().keySet()) {
      if (!argument.equals("aggregation") && !argument.equals("higher_is_better")) {
        throw new InvalidInputException(
            task.name() + ": the metric " + named.name() + " has no argument " + argument);
      }
    }
    return metric;
  }

  private static Map<String, Metric> known(OutputType type) {
    return switch (type) {
      case MULTIPLE_CHOICE ->
          Map.of(
              "acc",
              accuracy("acc", choice -> 1),
              "acc_norm",
              accuracy("acc_norm", choice -> choice.codePointCount(0, choice.length())),
              "acc_bytes",
              accuracy("acc_bytes", choice -> choice.getBytes(StandardCharsets.UTF_8).length));
      case GENERATE_UNTIL -> Map.of();
      case LOGLIKELIHOOD_ROLLING ->
          Map.of(
              "word_perplexity",
              perplexity("word_perplexity", Aggregation.WEIGHTED_PERPLEXITY, Metrics::words),
              "byte_perplexity",
              perplexity("byte_perplexity", Aggregation.WEIGHTED_PERPLEXITY, Metrics::bytes),
              "bits_per_byte",
              perplexity("bits_per_byte", Aggregation.BITS_PER_BYTE, Metrics::bytes));
    };
  }

  /** Whether the likeliest choice is right, log-likelihoods divided by a length of the choice. */
  private static Metric accuracy(String name, ToDoubleFunction<String> length) {
    Metric.OfChoice rule =
        (question, likelihoods) ->
            Value.of(choice(question.choices(), likelihoods, length) == question.gold());
    return new Metric(name, true, Aggregation.MEAN, rule);
  }

  private static int choice(
      List<String> choices,
      List<LanguageModel.Likelihood> likelihoods,
      ToDoubleFunction<String> length) {
    int best = 0;
    double most = Double.NEGATIVE_INFINITY;
    for (int i = 0; i < choices.size(); i++) {
      double score = likelihoods.get(i).logLikelihood() / length.applyAsDouble(choices.get(i));
      if (score > most) {
        most = score;
        best = i;
      }
    }
    return best;
  }

  private static Metric perplexity(
      String name, Aggregation aggregation, ToDoubleFunction<String> weight) {
    Metric.OfRolling rule =
        (question, likelihood) ->
            new Value(likelihood.logLikelihood(), weight.applyAsDouble(question.original()));
    return new Metric(name, false, aggregation, rule);
  }

  /** Pieces between white space, also the empty ones at the ends, as {@code len(re.split(…))}. */
  private static double words(String text) {
    return SPACE.split(text, -1).length;
  }

  private static double bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8).length;
  }
}
