package dev.graft.sandbox;

/**
 * How a program ended.
 *
 * @param detail what it said last, such as the name of the exception; empty when it passed
 */
public record Outcome(Verdict verdict, String detail) {

  /** Whether the program ran to its end, and if not, why. */
  public enum Verdict {
    /** It ran to its last line. */
    PASSED,
    /** It raised, left early or was killed. */
    FAILED,
    /** It used up its time. */
    TIMED_OUT,
    /** It printed more than it may. */
    TOO_MUCH_OUTPUT,
  }

  public boolean passed() {
    return verdict == Verdict.PASSED;
  }
}
