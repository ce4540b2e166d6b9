package dev.graft.score;

import java.util.regex.Pattern;

/** Text as Python sees it, where Java's own view differs. */
final class PythonText {
  private PythonText() {}

  /** A pattern of Python's {@code re}: Unicode classes, and only {@code \n} ends a line. */
  static Pattern pattern(String regex) {
    return Pattern.compile(regex, Pattern.UNICODE_CHARACTER_CLASS | Pattern.UNIX_LINES);
  }

  /** {@code str.strip}. */
  static String strip(String text) {
    int from = 0;
    int to = text.length();
    while (from < to && isSpace(text.charAt(from))) {
      from++;
    }
    while (to > from && isSpace(text.charAt(to - 1))) {
      to--;
    }
    return text.substring(from, to);
  }

  private static boolean isSpace(char c) {
    return Character.isWhitespace(c) || Character.isSpaceChar(c) || c == '\u0085';
  }

  /** {@code text[0]}: a whole character, also one of two UTF-16 units. */
  static String first(String text) {
    return text.substring(0, text.offsetByCodePoints(0, 1));
  }
}
