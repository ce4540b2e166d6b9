package dev.graft.published;

import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * A published run beside its prediction.
 *
 * @param predicted in the run's metric
 * @param seconds predicted
 * @param terms what the seconds are spent on, by name
 */
public record Comparison(
    PublishedRun run, double predicted, double seconds, Map<String, Double> terms) {
  /** Errors beyond this are explained. */
  public static final double LARGE = 0.25;

  /** Predicted / reported − 1. */
  public double error() {
    return predicted / run.reported() - 1;
  }

  /** Whether the error is to be explained. */
  public boolean isLarge() {
    return Math.abs(error()) > LARGE;
  }

  /** The largest terms, what was assumed, and what is known to be missing. */
  public String explanation() {
    String spent =
        terms.entrySet().stream()
            .filter(term -> term.getValue() > 0.02 * seconds)
            .sorted(Map.Entry.comparingByValue(Comparator.reverseOrder()))
            .limit(4)
            .map(term ->
                String.format(
                    Locale.ROOT, "%s %.0f %%", term.getKey(), 100 * term.getValue() / seconds))
            .collect(Collectors.joining(", "));
    String assumed =
        run.assumptions().isEmpty() ? "" : "; assumed: " + String.join(", ", run.assumptions());
    return spent + assumed + run.why().map(reason -> "; " + reason).orElse("");
  }

  /** The median of absolute errors; not a number where there are none. */
  public static double median(List<Comparison> rows) {
    double[] errors = rows.stream().mapToDouble(row -> Math.abs(row.error())).sorted().toArray();
    int half = errors.length / 2;
    if (errors.length == 0) {
      return Double.NaN;
    }
    return errors.length % 2 == 1 ? errors[half] : (errors[half - 1] + errors[half]) / 2;
  }
}
