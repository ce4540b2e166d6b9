package dev.graft.score;

import java.util.List;
import java.util.OptionalDouble;

/** From the values of many questions to one, as lm-evaluation-harness 0.4.13 does. */
public enum Aggregation {
  /** The mean. */
  MEAN {
    @Override
    public double of(List<Value> values) {
      return values.stream().mapToDouble(Value::value).sum() / values.size();
    }

    // Sample standard deviation over √n.
    @Override
    public OptionalDouble standardError(List<Value> values) {
      if (values.size() < 2) {
        return OptionalDouble.empty();
      }
      double mean = of(values);
      double squares =
          values.stream().mapToDouble(v -> (v.value() - mean) * (v.value() - mean)).sum();
      return OptionalDouble.of(Math.sqrt(squares / (values.size() - 1)) / Math.sqrt(values.size()));
    }
  },
  /** e^(−Σ value / Σ weight). */
  WEIGHTED_PERPLEXITY {
    @Override
    public double of(List<Value> values) {
      return Math.exp(-weightedMean(values));
    }
  },
  /** −Σ value / Σ weight in bits. */
  BITS_PER_BYTE {
    @Override
    public double of(List<Value> values) {
      return -weightedMean(values) / Math.log(2);
    }
  };

  /** The one value. */
  public abstract double of(List<Value> values);

  /** How uncertain it is; empty where lm-evaluation-harness does not say either. */
  public OptionalDouble standardError(List<Value> values) {
    return OptionalDouble.empty();
  }

  private static double weightedMean(List<Value> values) {
    return values.stream().mapToDouble(Value::value).sum()
        / values.stream().mapToDouble(Value::weight).sum();
  }
}
