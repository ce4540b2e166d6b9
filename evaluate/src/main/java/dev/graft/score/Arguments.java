package dev.graft.score;

import dev.graft.checkpoint.InvalidInputException;
import dev.graft.task.Task;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/** The arguments of a metric or filter, read one by one; what nobody asked for is refused. */
final class Arguments {
  private final Task task;
  private final Task.Named named;
  private final Set<String> known = new LinkedHashSet<>();

  Arguments(Task task, Task.Named named) {
    this.task = task;
    this.named = named;
  }

  private InvalidInputException wrong(String argument, String problem) {
    return new InvalidInputException(
        "%s: %s of %s %s".formatted(task.name(), argument, named.name(), problem));
  }

  String text(String argument, String absent) {
    known.add(argument);
    Object value = named.arguments().getOrDefault(argument, absent);
    if (value instanceof String text) {
      return text;
    }
    throw wrong(argument, "must be a text");
  }

  int integer(String argument, int absent) {
    known.add(argument);
    Object value = named.arguments().getOrDefault(argument, (long) absent);
    if (value instanceof Long number && number == number.intValue()) {
      return number.intValue();
    }
    throw wrong(argument, "must be a whole number");
  }

  boolean flag(String argument) {
    known.add(argument);
    Object value = named.arguments().getOrDefault(argument, false);
    if (value instanceof Boolean flag) {
      return flag;
    }
    throw wrong(argument, "must be true or false");
  }

  Pattern pattern(String argument) {
    String regex = text(argument, "");
    if (regex.isEmpty()) {
      throw wrong(argument, "is missing");
    }
    return pattern(argument, regex);
  }

  List<Pattern> patterns(String argument) {
    List<Pattern> patterns = new ArrayList<>();
    for (Object regex : list(argument)) {
      patterns.add(pattern(argument, regex.toString()));
    }
    return patterns;
  }

  private Pattern pattern(String argument, String regex) {
    try {
      return PythonText.pattern(regex);
    } catch (PatternSyntaxException e) {
      throw wrong(argument, "is no pattern: " + e.getDescription());
    }
  }

  /** Whole numbers; one alone may stand without brackets. */
  List<Integer> integers(String argument) {
    List<Integer> integers = new ArrayList<>();
    for (Object number : list(argument)) {
      if (!(number instanceof Long integer) || integer < 1 || integer != integer.intValue()) {
        throw wrong(argument, "must be whole numbers of at least 1");
      }
      integers.add(integer.intValue());
    }
    return integers;
  }

  private List<?> list(String argument) {
    known.add(argument);
    return switch (named.arguments().get(argument)) {
      case null -> List.of();
      case List<?> list -> list;
      case Object one -> List.of(one);
    };
  }

  /** These may be said of every metric; what they say is known. */
  void allowAggregation() {
    known.add("aggregation");
    known.add("higher_is_better");
  }

  void refuseOthers() {
    for (String argument : named.arguments().keySet()) {
      if (!known.contains(argument)) {
        throw new InvalidInputException(
            "%s: %s has no argument %s; there are %s"
                .formatted(task.name(), named.name(), argument, known));
      }
    }
  }
}
