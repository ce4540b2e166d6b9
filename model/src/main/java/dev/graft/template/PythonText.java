package dev.graft.template;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.IntPredicate;

/** What Python's strings do differently from Java's. */
final class PythonText {
  private PythonText() {}

  /** The {@code repr} of a string. */
  static String quoted(String text) {
    char quote = text.contains("'") && !text.contains("\"") ? '"' : '\'';
    StringBuilder quoted = new StringBuilder().append(quote);
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      switch (c) {
        case '\\' -> quoted.append("\\\\");
        case '\n' -> quoted.append("\\n");
        case '\r' -> quoted.append("\\r");
        case '\t' -> quoted.append("\\t");
        default -> {
          if (c == quote) {
            quoted.append('\\').append(c);
          } else if (c < ' ' || c == 0x7F) {
            quoted.append(String.format("\\x%02x", (int) c));
          } else {
            quoted.append(c);
          }
        }
      }
    }
    return quoted.append(quote).toString();
  }

  /** Without the white space, or without these characters, at its ends. */
  static String strip(String text, Object characters, boolean left, boolean right) {
    IntPredicate goes =
        characters instanceof String set ? c -> set.indexOf(c) >= 0 : PythonText::isSpace;
    int from = 0;
    int to = text.length();
    while (left && from < to && goes.test(text.codePointAt(from))) {
      from += Character.charCount(text.codePointAt(from));
    }
    while (right && to > from && goes.test(text.codePointBefore(to))) {
      to -= Character.charCount(text.codePointBefore(to));
    }
    return text.substring(from, to);
  }

  static boolean isSpace(int c) {
    return Character.isWhitespace(c) || Character.isSpaceChar(c) || c == 0x85;
  }

  /**
   * The parts between separators, white space where none is given.
   *
   * @param limit at most so many cuts; below 0 for all
   * @param fromRight whether the limit counts from the end
   */
  static List<Object> split(String text, Object separator, long limit, boolean fromRight) {
    List<Object> parts = new ArrayList<>();
    if (separator instanceof String by) {
      if (by.isEmpty()) {
        throw new TemplateException("a string is split by nothing");
      }
      String rest = text;
      while (limit < 0 || parts.size() < limit) {
        int at = fromRight ? rest.lastIndexOf(by) : rest.indexOf(by);
        if (at < 0) {
          break;
        }
        if (fromRight) {
          parts.addFirst(rest.substring(at + by.length()));
          rest = rest.substring(0, at);
        } else {
          parts.add(rest.substring(0, at));
          rest = rest.substring(at + by.length());
        }
      }
      if (fromRight) {
        parts.addFirst(rest);
      } else {
        parts.add(rest);
      }
      return parts;
    }
    String rest = strip(text, None.NONE, true, true);
    while (!rest.isEmpty()) {
      if (limit >= 0 && parts.size() == limit) {
        parts.add(rest);
        break;
      }
      int end = 0;
      while (end < rest.length() && !isSpace(rest.charAt(end))) {
        end++;
      }
      parts.add(rest.substring(0, end));
      rest = strip(rest.substring(end), None.NONE, true, false);
    }
    return parts;
  }

  static String capitalize(String text) {
    if (text.isEmpty()) {
      return text;
    }
    int first = text.offsetByCodePoints(0, 1);
    return text.substring(0, first).toUpperCase(Locale.ROOT)
        + text.substring(first).toLowerCase(Locale.ROOT);
  }

  /** Every run of letters capitalized. */
  static String title(String text) {
    StringBuilder title = new StringBuilder();
    boolean inside = false;
    for (int c : text.codePoints().toArray()) {
      String letter = Character.toString(c);
      title.append(inside ? letter.toLowerCase(Locale.ROOT) : letter.toUpperCase(Locale.ROOT));
      inside = Character.isLetter(c);
    }
    return title.toString();
  }

  static String replace(String text, String what, String by, long count) {
    if (count < 0) {
      return text.replace(what, by);
    }
    StringBuilder replaced = new StringBuilder();
    int at = 0;
    for (long done = 0; done < count; done++) {
      int found = text.indexOf(what, at);
      if (found < 0) {
        break;
      }
      replaced.append(text, at, found).append(by);
      at = found + what.length();
    }
    return replaced.append(text.substring(at)).toString();
  }
}
