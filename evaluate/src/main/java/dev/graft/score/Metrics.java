package dev.graft.score;

import dev.graft.checkpoint.InvalidInputException;
import dev.graft.lm.LanguageModel;
import dev.graft.task.OutputType;
import dev.graft.task.Task;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiPredicate;
import java.util.function.ToDoubleFunction;
import java.util.regex.Pattern;

/** The metrics that tasks can name, with lm-evaluation-harness 0.4.13's definitions. */
final class Metrics {
  private static final Pattern SPACE = Pattern.compile("\\s+", Pattern.UNICODE_CHARACTER_CLASS);

  private Metrics() {}

  /**
   * A metric of a task; {@code pass_at_k} is one for each k.
   *
   * @param programs runs programs, if that is allowed
   * @throws InvalidInputException if there is none of this name for the task's type
   */
  static List<Metric> of(Task task, Task.Named named, Optional<CodeRunner> programs) {
    Arguments arguments = new Arguments(task, named);
    arguments.allowAggregation();
    List<Metric> metrics =
        switch (task.outputType()) {
          case MULTIPLE_CHOICE, LOGLIKELIHOOD_ROLLING ->
              Optional.ofNullable(known(task.outputType()).get(named.name())).stream().toList();
          case GENERATE_UNTIL -> writing(task, named, arguments, programs);
        };
    if (metrics.isEmpty()) {
      throw new InvalidInputException(
          task.name()
              + ": there is no metric "
              + named.name()
              + " for "
              + task.outputType().key()
              + "; there are "
              + String.join(", ", names(task.outputType())));
    }
    arguments.refuseOthers();
    return metrics;
  }

  private static List<String> names(OutputType type) {
    return type == OutputType.GENERATE_UNTIL
        ? List.of("exact_match", "minerva_match", "boxed_match", "pass_at_k")
        : known(type).keySet().stream().sorted().toList();
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

  private static List<Metric> writing(
      Task task, Task.Named named, Arguments arguments, Optional<CodeRunner> programs) {
    return switch (named.name()) {
      case "exact_match" -> {
        ExactMatch match =
            new ExactMatch(
                arguments.patterns("regexes_to_ignore"),
                arguments.flag("ignore_case"),
                arguments.flag("ignore_punctuation"),
                arguments.flag("ignore_numbers"));
        yield List.of(written(named.name(), match::equal));
      }
      case "minerva_match" -> List.of(written(named.name(), MinervaAnswer::equal));
      case "boxed_match" -> List.of(written(named.name(), BoxedAnswer::equal));
      case "pass_at_k" -> passAtK(task, arguments.integers("k"), programs);
      default -> List.of();
    };
  }

  /** Whether a written answer is the right one. */
  private static Metric written(String name, BiPredicate<String, String> right) {
    Metric.OfText rule = (question, text) -> Value.of(right.test(text, question.target()));
    return new Metric(name, true, Aggregation.MEAN, rule);
  }

  /** A program is the prompt, what was written, and the tests, as in lm-evaluation-harness. */
  private static List<Metric> passAtK(
      Task task, List<Integer> counts, Optional<CodeRunner> programs) {
    CodeRunner runner =
        programs.orElseThrow(() ->
            new InvalidInputException(
                task.name()
                    + " runs programs that the model wrote; allow it with --allow-code-execution, which runs them in a sandbox, or leave "
                    + task.name()
                    + " out"));
    int repeats = task.generation().repeats();
    List<Metric> metrics = new ArrayList<>();
    for (int k : counts.isEmpty() ? List.of(1) : counts) {
      if (k > repeats) {
        throw new InvalidInputException(
            "%s: k of pass_at_k is %d, but repeats is %d; raise repeats"
                .formatted(task.name(), k, repeats));
      }
      Metric.OfSamples rule =
          (question, texts) -> {
            int passed = 0;
            for (String text : texts) {
              String program = question.prompt() + text + "\n" + question.target();
              passed += runner.passes(program) ? 1 : 0;
            }
            return Value.of(PassAtK.estimate(texts.size(), passed, k));
          };
      metrics.add(new Metric("pass@" + k, true, Aggregation.MEAN, rule));
    }
    return metrics;
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
