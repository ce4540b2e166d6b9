package dev.graft.inference;

import java.util.Comparator;
import java.util.EnumMap;
import java.util.Map;

/**
 * What a step of the slowest rank takes.
 *
 * @param seconds by what they are spent on
 */
public record StepTime(Map<Limit, Double> seconds) {
  /** Keeps its own map. */
  public StepTime {
    seconds = Map.copyOf(seconds);
  }

  /** All of it. */
  public double total() {
    return seconds.values().stream().mapToDouble(Double::doubleValue).sum();
  }

  /** What takes the most. */
  public Limit limit() {
    return seconds.entrySet().stream()
        .max(Map.Entry.<Limit, Double>comparingByValue().thenComparing(Map.Entry.comparingByKey()))
        .map(Map.Entry::getKey)
        .orElseThrow();
  }

  /** Adds up what parts take. */
  static final class Sum {
    private final Map<Limit, Double> seconds = new EnumMap<>(Limit.class);

    void add(Limit limit, double more) {
      seconds.merge(limit, more, Double::sum);
    }

    StepTime end() {
      return new StepTime(seconds);
    }

    /** The longest of several. */
    static StepTime slowest(java.util.List<StepTime> ranks) {
      return ranks.stream().max(Comparator.comparingDouble(StepTime::total)).orElseThrow();
    }
  }
}
