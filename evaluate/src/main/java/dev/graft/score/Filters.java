package dev.graft.score;

import dev.graft.checkpoint.InvalidInputException;
import dev.graft.task.Task;
import java.util.Map;

/** The filters that tasks can name, with lm-evaluation-harness 0.4.13's definitions. */
final class Filters {
  /** A question is answered once, so that its first answer is its answer. */
  private static final Map<String, Filter> WITHOUT_ARGUMENTS =
      Map.of("take_first", (question, text) -> text);

  private static final String REGEX = "regex";

  private Filters() {}

  /**
   * A filter of a task.
   *
   * @throws InvalidInputException if there is none of this name
   */
  static Filter of(Task task, Task.Named named) {
    if (named.name().equals(REGEX)) {
      return regex(new Arguments(task, named));
    }
    Filter filter = WITHOUT_ARGUMENTS.get(named.name());
    if (filter == null || !named.arguments().isEmpty()) {
      throw new InvalidInputException(
          task.name()
              + ": there is no filter "
              + named.name()
              + " with the arguments "
              + named.arguments().keySet());
    }
    return filter;
  }

  private static Filter regex(Arguments arguments) {
    RegexExtraction extraction =
        new RegexExtraction(
            arguments.pattern("regex_pattern"),
            arguments.integer("group_select", 0),
            arguments.text("fallback", RegexExtraction.INVALID));
    arguments.refuseOthers();
    return (question, text) -> extraction.apply(text);
  }
}
