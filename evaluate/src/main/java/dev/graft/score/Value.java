package dev.graft.score;

/**
 * What a metric says of one question.
 *
 * @param value such as 1 for a right answer
 * @param weight what it is divided by in weighted aggregations, such as words; else 1
 */
public record Value(double value, double weight) {
  /** A value of weight 1. */
  public static Value of(double value) {
    return new Value(value, 1);
  }

  /** 1 or 0. */
  public static Value of(boolean right) {
    return of(right ? 1 : 0);
  }
}
