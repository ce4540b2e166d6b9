package dev.graft.template;

import java.util.Collection;
import java.util.Map;
import java.util.stream.Collector;
import java.util.stream.Collectors;

/** JSON as Python's {@code json.dumps(x, ensure_ascii=False)} spaces it. */
final class PythonJson {
  private PythonJson() {}

  /**
   * The text of a value of a template.
   *
   * @param indent spaces a level; 0 puts all on one line
   */
  static String dumps(Object value, int indent) {
    return dumps(value, indent, 1);
  }

  private static String dumps(Object value, int indent, int level) {
    return switch (value) {
      case None _ -> "null";
      case Boolean truth -> truth.toString();
      case Double number -> Values.number(number);
      case Number number -> number.toString();
      case Map<?, ?> map ->
          map.entrySet().stream()
              .map(e ->
                  quote(Values.string(e.getKey())) + ": " + dumps(e.getValue(), indent, level + 1))
              .collect(inside("{", "}", map.isEmpty(), indent, level));
      case Collection<?> list ->
          list.stream()
              .map(element -> dumps(element, indent, level + 1))
              .collect(inside("[", "]", list.isEmpty(), indent, level));
      case String text -> quote(text);
      case Undefined undefined -> throw undefined.error();
      default -> throw new TemplateException(value + " has no form in JSON");
    };
  }

  private static Collector<CharSequence, ?, String> inside(
      String open, String close, boolean empty, int indent, int level) {
    return indent == 0 || empty
        ? Collectors.joining(", ", open, close)
        : Collectors.joining(
            ",\n" + " ".repeat(indent * level),
            open + "\n" + " ".repeat(indent * level),
            "\n" + " ".repeat(indent * (level - 1)) + close);
  }

  private static String quote(String text) {
    StringBuilder quoted = new StringBuilder("\"");
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      switch (c) {
        case '"' -> quoted.append("\\\"");
        case '\\' -> quoted.append("\\\\");
        case '\n' -> quoted.append("\\n");
        case '\r' -> quoted.append("\\r");
        case '\t' -> quoted.append("\\t");
        case '\b' -> quoted.append("\\b");
        case '\f' -> quoted.append("\\f");
        default -> {
          if (c < ' ') {
            quoted.append(String.format("\\u%04x", (int) c));
          } else {
            quoted.append(c);
          }
        }
      }
    }
    return quoted.append('"').toString();
  }
}
