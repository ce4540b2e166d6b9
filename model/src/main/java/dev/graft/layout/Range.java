package dev.graft.layout;

/**
 * Consecutive whole numbers.
 *
 * @param from the first
 * @param to one past the last; equal to {@code from} for none
 */
public record Range(int from, int to) {
  public Range {
    if (from < 0 || to < from) {
      throw new IllegalArgumentException("a range from " + from + " to " + to);
    }
  }

  /** All numbers below a bound. */
  public static Range below(int bound) {
    return new Range(0, bound);
  }

  /** How many there are. */
  public int length() {
    return to - from;
  }

  /** Whether there is none. */
  public boolean isEmpty() {
    return from == to;
  }

  /** The range of the parts, where each number stands for {@code parts} of them. */
  public Range times(int parts) {
    return new Range(Math.multiplyExact(from, parts), Math.multiplyExact(to, parts));
  }
}
