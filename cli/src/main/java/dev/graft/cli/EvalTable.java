package dev.graft.cli;

import dev.graft.results.Estimate;
import dev.graft.results.PairedComparison;
import dev.graft.results.TaskScores;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Scores for a person to read: a line for each task and metric, a column for each model. */
final class EvalTable {
  private EvalTable() {}

  static String of(List<TaskScores> all, List<PairedComparison> pairs) {
    List<String> models = all.stream().map(TaskScores::model).distinct().toList();
    Map<List<String>, Map<String, String>> rows = new LinkedHashMap<>();
    for (TaskScores scores : all) {
      scores.overall().forEach((metric, estimate) -> put(rows, scores, "", metric, estimate));
      scores
          .groups()
          .forEach((group, estimates) ->
              estimates.forEach(
                  (metric, estimate) -> put(rows, scores, ", " + group, metric, estimate)));
      scores
          .macro()
          .forEach((metric, estimate) -> put(rows, scores, ", mean of subjects", metric, estimate));
    }
    List<List<String>> lines = new ArrayList<>();
    List<String> head = new ArrayList<>(List.of("task", "shots", "items", "metric"));
    head.addAll(models);
    lines.add(head);
    rows.forEach((row, cells) -> {
      List<String> line = new ArrayList<>(row);
      models.forEach(model -> line.add(cells.getOrDefault(model, "")));
      lines.add(line);
    });
    return align(lines) + pairs(pairs) + warnings(all);
  }

  private static void put(
      Map<List<String>, Map<String, String>> rows,
      TaskScores scores,
      String part,
      String metric,
      Estimate estimate) {
    List<String> row =
        List.of(
            scores.task().name() + part,
            Integer.toString(scores.shots()),
            String.format(Locale.ROOT, "%,d", estimate.items()),
            metric);
    rows.computeIfAbsent(row, key -> new LinkedHashMap<>()).put(scores.model(), cell(estimate));
  }

  private static String cell(Estimate estimate) {
    String value = String.format(Locale.ROOT, "%.4f", estimate.value());
    return estimate.standardError().isPresent()
        ? value + String.format(Locale.ROOT, " ± %.4f", estimate.standardError().getAsDouble())
        : value;
  }

  private static String align(List<List<String>> lines) {
    int columns = lines.getFirst().size();
    int[] widths = new int[columns];
    for (List<String> line : lines) {
      for (int c = 0; c < columns; c++) {
        widths[c] = Math.max(widths[c], line.get(c).length());
      }
    }
    StringBuilder text = new StringBuilder();
    for (List<String> line : lines) {
      StringBuilder row = new StringBuilder();
      for (int c = 0; c < columns; c++) {
        row.append(line.get(c)).append(" ".repeat(widths[c] - line.get(c).length() + 2));
      }
      text.append(row.toString().stripTrailing()).append('\n');
    }
    return text.toString();
  }

  private static String pairs(List<PairedComparison> pairs) {
    if (pairs.isEmpty()) {
      return "";
    }
    List<List<String>> lines = new ArrayList<>();
    lines.add(
        List.of(
            "pair",
            "task",
            "items",
            "equal answers",
            "mean |Δ ll|",
            "among choices",
            "metric",
            "change (95 %)",
            "only one right",
            "McNemar p"));
    for (PairedComparison pair : pairs) {
      boolean measured = !pair.metric().isEmpty();
      lines.add(
          List.of(
              pair.second() + " against " + pair.first(),
              pair.task(),
              String.format(Locale.ROOT, "%,d", pair.items()),
              pair.metric().isEmpty()
                  ? ""
                  : String.format(Locale.ROOT, "%.1f %%", 100 * pair.equalAnswers()),
              difference(pair.meanDifference()),
              difference(pair.meanDifferenceAmongChoices()),
              pair.metric(),
              measured
                  ? String.format(
                      Locale.ROOT, "%+.4f ± %.4f", pair.change(), 1.96 * pair.changeError())
                  : "",
              measured ? pair.onlyFirst() + " : " + pair.onlySecond() : "",
              measured ? String.format(Locale.ROOT, "%.3f", pair.pValue()) : ""));
    }
    return "\n" + align(lines);
  }

  private static String difference(double mean) {
    return Double.isFinite(mean) ? String.format(Locale.ROOT, "%.4f", mean) : "";
  }

  /** What a reader of the figures must know. */
  private static String warnings(List<TaskScores> all) {
    StringBuilder text = new StringBuilder();
    for (TaskScores scores : all) {
      String which = scores.model() + ", " + scores.task().name() + ": ";
      if (scores.truncated() > 0) {
        text.append(which)
            .append(
                String.format(
                    Locale.ROOT,
                    "%,d of %,d prompts were longer than the context and lost their beginning%n",
                    scores.truncated(),
                    scores.items().size()));
      }
      if (scores.unanswerable() > 0) {
        text.append(which)
            .append(
                String.format(
                    Locale.ROOT,
                    "the right answer of %,d questions is not among their choices; they count as wrong%n",
                    scores.unanswerable()));
      }
    }
    return text.toString();
  }
}
