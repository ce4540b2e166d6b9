package dev.graft.template;

/** The escapes of Python's string literals. */
final class StringEscapes {
  private StringEscapes() {}

  /** The string that the text between the quotes stands for. */
  static String decode(String body) {
    if (body.indexOf('\\') < 0) {
      return body;
    }
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < body.length(); i++) {
      char c = body.charAt(i);
      if (c != '\\' || i + 1 == body.length()) {
        text.append(c);
        continue;
      }
      char escaped = body.charAt(++i);
      switch (escaped) {
        case '\n' -> {}
        case '\\', '\'', '"' -> text.append(escaped);
        case 'n' -> text.append('\n');
        case 't' -> text.append('\t');
        case 'r' -> text.append('\r');
        case 'b' -> text.append('\b');
        case 'f' -> text.append('\f');
        case 'a' -> text.append('\u0007');
        case 'v' -> text.append('\u000B');
        case 'x' -> i = code(body, i, 2, text);
        case 'u' -> i = code(body, i, 4, text);
        case 'U' -> i = code(body, i, 8, text);
        case '0', '1', '2', '3', '4', '5', '6', '7' -> {
          int end = i + 1;
          while (end < Math.min(i + 3, body.length())
              && body.charAt(end) >= '0'
              && body.charAt(end) <= '7') {
            end++;
          }
          text.appendCodePoint(Integer.parseInt(body.substring(i, end), 8));
          i = end - 1;
        }
        default -> text.append('\\').append(escaped);
      }
    }
    return text.toString();
  }

  /** Appends the character of so many hexadecimal digits; returns where they end. */
  private static int code(String body, int at, int digits, StringBuilder text) {
    try {
      String code = body.substring(at + 1, at + 1 + digits);
      text.appendCodePoint(Integer.parseUnsignedInt(code, 16));
      return at + digits;
    } catch (IllegalArgumentException | StringIndexOutOfBoundsException e) {
      throw new TemplateException("the string '" + body + "' has a broken escape");
    }
  }
}
