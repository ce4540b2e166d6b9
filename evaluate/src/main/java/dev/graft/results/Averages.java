package dev.graft.results;

import dev.graft.score.Aggregation;
import dev.graft.score.Metric;
import dev.graft.score.Value;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;

/** Averages over the parts of a task, by the formulas of lm-evaluation-harness 0.4.13. */
final class Averages {
  private Averages() {}

  /** Each metric over some items. */
  static Map<String, Estimate> of(Map<String, Metric> metrics, List<Item> items) {
    Map<String, Estimate> estimates = new LinkedHashMap<>();
    metrics.forEach((name, metric) -> {
      List<Value> values = items.stream().map(item -> item.metrics().get(name)).toList();
      Aggregation aggregation = metric.aggregation();
      estimates.put(
          name,
          new Estimate(aggregation.of(values), aggregation.standardError(values), values.size()));
    });
    return estimates;
  }

  /**
   * Parts weighted by their size, with the pooled standard error ({@code pooled_sample_stderr}):
   * √(Σ (nᵢ − 1) nᵢ sᵢ² / (Σ nᵢ − k) / Σ nᵢ) for k parts of nᵢ items with standard errors sᵢ.
   */
  static Map<String, Estimate> weighted(Collection<Map<String, Estimate>> parts) {
    return over(
        parts,
        list -> {
          double items = list.stream().mapToInt(Estimate::items).sum();
          double value = list.stream().mapToDouble(e -> e.value() * e.items()).sum() / items;
          double variance =
              list.stream().mapToDouble(e -> (e.items() - 1.0) * e.items() * squared(e)).sum()
                  / (items - list.size());
          return new Estimate(value, known(list, Math.sqrt(variance / items)), (int) items);
        });
  }

  /**
   * Each part counts the same ({@code unweighted_mean_stderr}): the standard error is √(Σ sᵢ²) / k.
   */
  static Map<String, Estimate> unweighted(Collection<Map<String, Estimate>> parts) {
    return over(
        parts,
        list -> {
          int count = list.size();
          double value = list.stream().mapToDouble(Estimate::value).sum() / count;
          double error = Math.sqrt(list.stream().mapToDouble(Averages::squared).sum()) / count;
          return new Estimate(
              value, known(list, error), list.stream().mapToInt(Estimate::items).sum());
        });
  }

  private static double squared(Estimate estimate) {
    double error = estimate.standardError().orElse(Double.NaN);
    return error * error;
  }

  private static OptionalDouble known(List<Estimate> parts, double error) {
    boolean all = parts.stream().allMatch(part -> part.standardError().isPresent());
    return all && Double.isFinite(error) ? OptionalDouble.of(error) : OptionalDouble.empty();
  }

  private interface Averaging {
    Estimate of(List<Estimate> parts);
  }

  private static Map<String, Estimate> over(
      Collection<Map<String, Estimate>> parts, Averaging averaging) {
    Map<String, List<Estimate>> byName = new LinkedHashMap<>();
    for (Map<String, Estimate> part : parts) {
      part.forEach(
          (name, estimate) -> byName.computeIfAbsent(name, key -> new ArrayList<>()).add(estimate));
    }
    Map<String, Estimate> averages = new LinkedHashMap<>();
    byName.forEach((name, list) -> averages.put(name, averaging.of(list)));
    return averages;
  }
}
