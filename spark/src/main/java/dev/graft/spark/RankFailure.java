package dev.graft.spark;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Ends the stage. Spark hands on its text only, so that holds what the driver needs. */
final class RankFailure extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private static final Pattern TEXT =
      Pattern.compile(Pattern.quote(RankFailure.class.getName()) + ": \\[(\\d+)\\] ([^\n]*)");

  /**
   * How a try failed.
   *
   * @param code to end with
   * @param sentence naming the rank that was the first to end
   */
  record Told(int code, String sentence) {}

  RankFailure(int code, String sentence) {
    super("[" + code + "] " + sentence);
  }

  /** Finds it in what Spark says of a stage that failed. */
  static Optional<Told> in(String message) {
    Matcher found = TEXT.matcher(message);
    return found.find()
        ? Optional.of(new Told(Integer.parseInt(found.group(1)), found.group(2)))
        : Optional.empty();
  }
}
