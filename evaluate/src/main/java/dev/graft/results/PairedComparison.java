package dev.graft.results;

import dev.graft.lm.LanguageModel;
import dev.graft.score.Outcome;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What two models' answers to the same questions say together: far more than two averages do, since
 * most questions are as hard for both.
 *
 * @param first model
 * @param second model, such as a quantised copy of the first
 * @param task the benchmark
 * @param metric that right and wrong are taken from; empty if none of the task's is 0 or 1
 * @param items questions that both answered
 * @param equalAnswers share of them with the same choice, or the same text
 * @param meanDifference mean |Δ log-likelihood| of a choice, or of a token of a whole text; NaN of
 *     texts
 * @param meanDifferenceAmongChoices the same of a choice's log-probability given that it is one of
 *     the choices, log softmax over their log-likelihoods: what all of them gain or lose together
 *     decides nothing; NaN of texts and whole texts
 * @param onlyFirst questions that only the first model gets right
 * @param onlySecond questions that only the second does
 * @param change of the metric from the first to the second
 * @param changeError its standard error: sample standard deviation of the differences over √n
 * @param pValue of McNemar's test
 */
public record PairedComparison(
    String first,
    String second,
    String task,
    String metric,
    int items,
    double equalAnswers,
    double meanDifference,
    double meanDifferenceAmongChoices,
    int onlyFirst,
    int onlySecond,
    double change,
    double changeError,
    double pValue) {

  /** Each further model against the first, task by task. */
  public static List<PairedComparison> all(List<TaskScores> scores) {
    List<PairedComparison> all = new ArrayList<>();
    List<String> models = scores.stream().map(TaskScores::model).distinct().toList();
    for (String model : models.subList(Math.min(1, models.size()), models.size())) {
      for (TaskScores second : scores) {
        if (second.model().equals(model)) {
          scores.stream()
              .filter(one -> one.model().equals(models.getFirst()))
              .filter(one -> one.task().name().equals(second.task().name()))
              .findFirst()
              .flatMap(one -> of(one, second))
              .ifPresent(all::add);
        }
      }
    }
    return List.copyOf(all);
  }

  private record Place(String subject, int doc) {}

  private static Optional<PairedComparison> of(TaskScores first, TaskScores second) {
    Map<Place, Item> others = new HashMap<>();
    second.items().forEach(item -> others.put(place(item), item));
    Optional<String> metric =
        first.overall().keySet().stream()
            .filter(name -> first.items().stream().allMatch(item -> isTruth(item, name)))
            .findFirst();
    int items = 0;
    int equal = 0;
    int onlyFirst = 0;
    int onlySecond = 0;
    double difference = 0;
    long differences = 0;
    double among = 0;
    long choices = 0;
    for (Item a : first.items()) {
      Item b = others.get(place(a));
      if (b == null) {
        continue;
      }
      items++;
      List<Double> deltas = differences(a.outcome(), b.outcome());
      difference += deltas.stream().mapToDouble(Math::abs).sum();
      differences += deltas.size();
      if (a.outcome() instanceof Outcome.Chosen(List<LanguageModel.Likelihood> ours)
          && b.outcome() instanceof Outcome.Chosen(List<LanguageModel.Likelihood> theirs)) {
        among += differenceAmongChoices(logLikelihoods(ours), logLikelihoods(theirs));
        choices += ours.size();
      }
      equal += same(a.outcome(), b.outcome()) ? 1 : 0;
      if (metric.isPresent()) {
        boolean right = a.metrics().get(metric.get()).value() == 1;
        boolean too = b.metrics().get(metric.get()).value() == 1;
        onlyFirst += right && !too ? 1 : 0;
        onlySecond += too && !right ? 1 : 0;
      }
    }
    if (items == 0) {
      return Optional.empty();
    }
    double change = (onlySecond - onlyFirst) / (double) items;
    double variance = (onlyFirst + onlySecond - items * change * change) / Math.max(1, items - 1);
    return Optional.of(
        new PairedComparison(
            first.model(),
            second.model(),
            first.task().name(),
            metric.orElse(""),
            items,
            equal / (double) items,
            difference / differences,
            among / choices,
            onlyFirst,
            onlySecond,
            change,
            Math.sqrt(variance / items),
            mcNemar(onlyFirst, onlySecond)));
  }

  private static Place place(Item item) {
    return new Place(item.key().subject(), item.key().doc());
  }

  private static boolean isTruth(Item item, String metric) {
    double value = item.metrics().get(metric).value();
    return item.metrics().get(metric).weight() == 1 && (value == 0 || value == 1);
  }

  private static List<Double> differences(Outcome a, Outcome b) {
    List<Double> differences = new ArrayList<>();
    if (a instanceof Outcome.Chosen(List<LanguageModel.Likelihood> ours)
        && b instanceof Outcome.Chosen(List<LanguageModel.Likelihood> theirs)) {
      for (int i = 0; i < Math.min(ours.size(), theirs.size()); i++) {
        differences.add(theirs.get(i).logLikelihood() - ours.get(i).logLikelihood());
      }
    }
    if (a instanceof Outcome.Rolled(LanguageModel.Likelihood ours)
        && b instanceof Outcome.Rolled(LanguageModel.Likelihood theirs)) {
      differences.add(
          theirs.logLikelihood() / theirs.tokens() - ours.logLikelihood() / ours.tokens());
    }
    return differences;
  }

  private static double[] logLikelihoods(List<LanguageModel.Likelihood> choices) {
    return choices.stream().mapToDouble(LanguageModel.Likelihood::logLikelihood).toArray();
  }

  /** Σ |Δ log softmax| over the choices of one question. */
  static double differenceAmongChoices(double[] first, double[] second) {
    double shift = logSumExp(second) - logSumExp(first);
    double sum = 0;
    for (int i = 0; i < first.length; i++) {
      sum += Math.abs(second[i] - first[i] - shift);
    }
    return sum;
  }

  private static double logSumExp(double[] logs) {
    double most = Arrays.stream(logs).max().orElseThrow();
    return most + Math.log(Arrays.stream(logs).map(log -> Math.exp(log - most)).sum());
  }

  private static boolean same(Outcome a, Outcome b) {
    if (a instanceof Outcome.Chosen ours && b instanceof Outcome.Chosen theirs) {
      return ours.choice() == theirs.choice();
    }
    return a instanceof Outcome.Text(LanguageModel.Written ours)
        && b instanceof Outcome.Text(LanguageModel.Written theirs)
        && ours.text().equals(theirs.text());
  }

  /**
   * The exact McNemar test (McNemar, Psychometrika 12, 1947): of b + c questions that one model
   * only gets right, each is as likely the first's as the second's; the two-sided probability of a
   * split at least as uneven, 2 Σ_{i ≤ min(b, c)} C(b + c, i) / 2^{b + c}, at most 1.
   */
  static double mcNemar(int b, int c) {
    int n = b + c;
    double logTerm = -n * Math.log(2);
    double sum = Math.exp(logTerm);
    for (int i = 1; i <= Math.min(b, c); i++) {
      logTerm += Math.log((n - i + 1.0) / i);
      sum += Math.exp(logTerm);
    }
    return Math.min(1, 2 * sum);
  }
}
