package dev.graft.template;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Cuts a template into tokens as Jinja 2 does with {@code trim_blocks} and {@code lstrip_blocks}:
 * the first line break after a tag goes, and so do blanks between the start of a line and a tag.
 */
final class Lexer {
  private static final Pattern BEGIN = Pattern.compile("\\{([{%#])([-+]?)");
  private static final Pattern RAW = Pattern.compile("\\{%[-+]?\\s*raw\\s*(?:-%\\}\\s*|%\\})");
  private static final Pattern END_RAW =
      Pattern.compile("\\{%([-+]?)\\s*endraw\\s*(?:\\+%\\}|-%\\}\\s*|%\\}\\n?)");
  private static final Pattern END_COMMENT = Pattern.compile("\\+#\\}|-#\\}\\s*|#\\}\\n?");
  private static final Pattern END_PRINT = Pattern.compile("-\\}\\}\\s*|\\}\\}");
  private static final Pattern END_TAG = Pattern.compile("\\+%\\}|-%\\}\\s*|%\\}\\n?");
  private static final Pattern SPACE = Pattern.compile("\\s+");
  private static final Pattern NUMBER =
      Pattern.compile("\\d+(?:\\.\\d+(?:[eE][-+]?\\d+)?|[eE][-+]?\\d+)|\\d+");
  private static final Pattern NAME = Pattern.compile("\\w+", Pattern.UNICODE_CHARACTER_CLASS);
  private static final Pattern STRING =
      Pattern.compile("'((?:[^'\\\\]|\\\\.)*+)'|\"((?:[^\"\\\\]|\\\\.)*+)\"", Pattern.DOTALL);
  private static final Pattern OPERATOR =
      Pattern.compile("//|\\*\\*|==|!=|>=|<=|[-+/*%~\\[\\](){}><=.:|,;]");

  private final String source;
  private final List<Token> tokens = new ArrayList<>();
  private int at;
  private int line = 1;

  private Lexer(String source) {
    this.source = source;
  }

  static List<Token> tokens(String template) {
    String source = template.replace("\r\n", "\n").replace('\r', '\n');
    Lexer lexer =
        new Lexer(source.endsWith("\n") ? source.substring(0, source.length() - 1) : source);
    lexer.run();
    return List.copyOf(lexer.tokens);
  }

  private void run() {
    while (at < source.length()) {
      Matcher begin = BEGIN.matcher(source);
      if (!begin.find(at)) {
        data(source.length(), "+", true);
        break;
      }
      char kind = begin.group(1).charAt(0);
      data(begin.start(), begin.group(2), kind == '{');
      if (kind == '#') {
        skip(END_COMMENT, begin.end(), "comment");
      } else if (kind == '{') {
        expression(begin.end(), Token.Kind.PRINT_BEGIN, Token.Kind.PRINT_END, END_PRINT);
      } else if (here(RAW).lookingAt()) {
        raw();
      } else {
        expression(begin.end(), Token.Kind.TAG_BEGIN, Token.Kind.TAG_END, END_TAG);
      }
    }
    tokens.add(new Token(Token.Kind.END, "the end of the template", line));
  }

  /** Text up to a tag, whose sign and kind say what becomes of the white space before it. */
  private void data(int to, String sign, boolean print) {
    int end = to;
    if (sign.equals("-")) {
      while (end > at && Character.isWhitespace(source.charAt(end - 1))) {
        end--;
      }
    } else if (!sign.equals("+") && !print) {
      int start = Math.max(at, source.lastIndexOf('\n', to - 1) + 1);
      boolean lineStarts = start == 0 || source.charAt(start - 1) == '\n';
      if (lineStarts && source.substring(start, to).isBlank()) {
        end = start;
      }
    }
    if (end > at) {
      tokens.add(new Token(Token.Kind.DATA, source.substring(at, end), line));
    }
    advance(to);
  }

  private void raw() {
    Matcher begin = here(RAW);
    if (!begin.lookingAt()) {
      throw error("raw is not closed");
    }
    advance(begin.end());
    Matcher end = here(END_RAW);
    if (!end.find()) {
      throw error("raw has no endraw");
    }
    data(end.start(), end.group(1), false);
    advance(end.end());
  }

  private void skip(Pattern end, int from, String what) {
    Matcher matcher = end.matcher(source);
    if (!matcher.find(from)) {
      throw error("a " + what + " does not end");
    }
    advance(matcher.end());
  }

  private void expression(int from, Token.Kind begin, Token.Kind end, Pattern endPattern) {
    tokens.add(new Token(begin, source.substring(at, from), line));
    advance(from);
    int depth = 0;
    while (true) {
      Matcher matcher = here(SPACE);
      if (matcher.lookingAt()) {
        advance(matcher.end());
      }
      if (at >= source.length()) {
        throw error("a tag does not end");
      }
      matcher = here(endPattern);
      if (depth == 0 && matcher.lookingAt()) {
        tokens.add(new Token(end, matcher.group().strip(), line));
        advance(matcher.end());
        return;
      }
      depth += token();
    }
  }

  /** Adds one token; returns how much deeper in brackets it leads. */
  private int token() {
    Matcher matcher = here(STRING);
    if (matcher.lookingAt()) {
      String body = matcher.group(1) == null ? matcher.group(2) : matcher.group(1);
      return add(Token.Kind.STRING, StringEscapes.decode(body), matcher);
    }
    matcher = here(NUMBER);
    if (matcher.lookingAt()) {
      boolean whole = matcher.group().chars().allMatch(Character::isDigit);
      return add(whole ? Token.Kind.INTEGER : Token.Kind.FLOAT, matcher.group(), matcher);
    }
    matcher = here(NAME);
    if (matcher.lookingAt()) {
      return add(Token.Kind.NAME, matcher.group(), matcher);
    }
    matcher = here(OPERATOR);
    if (!matcher.lookingAt()) {
      throw error("'" + source.charAt(at) + "' is unexpected");
    }
    return add(Token.Kind.OPERATOR, matcher.group(), matcher);
  }

  private int add(Token.Kind kind, String text, Matcher matcher) {
    tokens.add(new Token(kind, text, line));
    advance(matcher.end());
    if (kind != Token.Kind.OPERATOR) {
      return 0;
    }
    return switch (text) {
      case "(", "[", "{" -> 1;
      case ")", "]", "}" -> -1;
      default -> 0;
    };
  }

  private Matcher here(Pattern pattern) {
    return pattern.matcher(source).region(at, source.length());
  }

  private void advance(int to) {
    for (; at < to; at++) {
      line += source.charAt(at) == '\n' ? 1 : 0;
    }
  }

  private TemplateException error(String message) {
    return new TemplateException("line " + line + ": " + message);
  }
}
