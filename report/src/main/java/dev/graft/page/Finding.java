package dev.graft.page;

/**
 * One statement that the runs were made to decide.
 *
 * @param statement a whole sentence, true or not
 * @param verdict what the runs say of it
 * @param evidence the figures, and how many runs stand behind them
 */
public record Finding(String statement, Verdict verdict, String evidence) {
  /** What became of a statement. */
  public enum Verdict {
    HOLDS,
    DOES_NOT_HOLD,
    UNDECIDED
  }
}
