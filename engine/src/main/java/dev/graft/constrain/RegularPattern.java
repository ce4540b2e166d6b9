package dev.graft.constrain;

import dev.graft.checkpoint.InvalidInputException;
import java.util.ArrayList;
import java.util.List;

/**
 * Regular expressions of JSON Schema (ECMA-262, Unicode) as far as they are regular: characters,
 * escapes, classes, groups, alternatives and quantifiers, {@code ^} and {@code $} at the ends of
 * the pattern's alternatives. Where dialects differ (what {@code .}, {@code \s} and their opposites
 * match), only what all of them match.
 */
final class RegularPattern {
  private static final int LONGEST = 1_000;
  private static final int MOST_TIMES = 1_000;
  private static final int DEEPEST = 50;

  private static final CodePoints DIGIT = CodePoints.pairs("09");
  private static final CodePoints WORD = CodePoints.pairs("azAZ09__");
  private static final CodePoints SPACE = CodePoints.pairs("\t\r  ");
  private static final CodePoints ANY_SPACE =
      SPACE.or(
          CodePoints.pairs(
              "\u0085\u0085\u00A0\u00A0\u1680\u1680\u2000\u200A\u2028\u2029\u202F\u202F\u205F\u205F"
                  + "\u3000\u3000\uFEFF\uFEFF"));
  private static final CodePoints DOT = CodePoints.pairs("\n\n\r\r\u0085\u0085\u2028\u2029").not();
  private static final String SYNTAX = "^$\\.*+?()[]{}|/-";

  private final ExpressionPool pool;
  private final JsonText json;
  private final String pattern;
  private final String pointer;
  private final int[] input;
  private int at;

  private RegularPattern(ExpressionPool pool, JsonText json, String pattern, String pointer) {
    this.pool = pool;
    this.json = json;
    this.pattern = pattern;
    this.pointer = pointer;
    this.input = pattern.codePoints().toArray();
  }

  /** The contents of JSON strings that a pattern matches somewhere. */
  static Expression of(ExpressionPool pool, JsonText json, String pattern, String pointer) {
    RegularPattern parser = new RegularPattern(pool, json, pattern, pointer);
    if (parser.input.length > LONGEST) {
      throw parser.refused("longer than " + LONGEST + " characters");
    }
    return parser.whole();
  }

  private Expression whole() {
    Expression any = pool.repeat(json.character(), 0, ExpressionPool.UNBOUNDED);
    List<Expression> parts = new ArrayList<>();
    do {
      boolean start = take('^');
      Expression body = sequence(0);
      boolean end = take('$');
      parts.add(pool.sequence(start ? pool.empty() : any, body, end ? pool.empty() : any));
    } while (take('|'));
    if (at < input.length) {
      throw refused("not understood from character " + (at + 1) + " on");
    }
    return pool.choice(parts);
  }

  private Expression alternatives(int depth) {
    if (depth > DEEPEST) {
      throw refused("nested deeper than " + DEEPEST);
    }
    List<Expression> parts = new ArrayList<>();
    do {
      parts.add(sequence(depth));
    } while (take('|'));
    return pool.choice(parts);
  }

  private Expression sequence(int depth) {
    List<Expression> parts = new ArrayList<>();
    parts.add(pool.empty());
    while (at < input.length && input[at] != '|' && input[at] != ')' && input[at] != '$') {
      parts.add(quantified(atom(depth)));
    }
    return pool.sequence(parts.toArray(Expression[]::new));
  }

  private Expression atom(int depth) {
    int c = input[at++];
    return switch (c) {
      case '(' -> group(depth);
      case '[' -> json.characters(characterClass());
      case '.' -> json.characters(DOT);
      case '\\' -> json.characters(escape(false));
      case '^', '*', '+', '?', '{', '}', ']' ->
          throw refused("with '" + Character.toString(c) + "' out of place; escape it");
      default -> json.characters(CodePoints.one(c));
    };
  }

  private Expression group(int depth) {
    if (take('?') && !take(':')) {
      throw refused("with a lookaround or a named group");
    }
    Expression body = alternatives(depth + 1);
    if (!take(')')) {
      throw refused("with an anchor or an open bracket inside a group");
    }
    return body;
  }

  private Expression quantified(Expression body) {
    int min;
    int max;
    if (take('*')) {
      min = 0;
      max = ExpressionPool.UNBOUNDED;
    } else if (take('+')) {
      min = 1;
      max = ExpressionPool.UNBOUNDED;
    } else if (take('?')) {
      min = 0;
      max = 1;
    } else if (take('{')) {
      min = number();
      max = min;
      if (take(',')) {
        max = at < input.length && input[at] == '}' ? ExpressionPool.UNBOUNDED : number();
      }
      if (!take('}') || min > max) {
        throw refused("with a count that is not {n}, {n,} or {n,m}");
      }
    } else {
      return body;
    }
    boolean lazy = take('?'); // the same language
    if (!lazy && at < input.length && input[at] == '+') {
      throw refused("with a possessive quantifier");
    }
    return pool.repeat(body, min, max);
  }

  private int number() {
    int from = at;
    int value = 0;
    while (at < input.length && input[at] >= '0' && input[at] <= '9') {
      value = Math.min(MOST_TIMES + 1, value * 10 + input[at++] - '0');
    }
    if (at == from || value > MOST_TIMES) {
      throw refused("with a count that is not a number up to " + MOST_TIMES);
    }
    return value;
  }

  private CodePoints characterClass() {
    boolean negated = take('^');
    CodePoints all = CodePoints.of(List.of());
    while (at < input.length && input[at] != ']') {
      CodePoints one = classAtom(negated);
      boolean range = at + 1 < input.length && input[at] == '-' && input[at + 1] != ']';
      if (range) {
        at++;
        CodePoints to = classAtom(negated);
        int low = only(one);
        int high = only(to);
        if (low > high) {
          throw refused("with a range that falls");
        }
        one = CodePoints.of(List.of(new CodePoints.Range(low, high))).and(CodePoints.ALL);
      }
      all = all.or(one);
    }
    if (!take(']')) {
      throw refused("with a class that is not closed");
    }
    return negated ? all.not() : all;
  }

  private CodePoints classAtom(boolean negated) {
    int c = input[at++];
    // What some dialects read as set operations.
    if (c == '[' || (c == '&' && at < input.length && input[at] == '&')) {
      throw refused("with '" + Character.toString(c) + "' inside a class; escape it");
    }
    return c == '\\' ? escape(negated) : CodePoints.one(c);
  }

  private int only(CodePoints set) {
    if (set.ranges().size() != 1
        || set.ranges().getFirst().low() != set.ranges().getFirst().high()) {
      throw refused("with a range between classes");
    }
    return set.ranges().getFirst().low();
  }

  /**
   * After a backslash.
   *
   * @param wide takes all that any dialect matches rather than what all of them do
   */
  private CodePoints escape(boolean wide) {
    if (at == input.length) {
      throw refused("with a backslash at its end");
    }
    int c = input[at++];
    return switch (c) {
      case 'd' -> DIGIT;
      case 'D' -> DIGIT.not();
      case 'w' -> WORD;
      case 'W' -> WORD.not();
      case 's' -> wide ? ANY_SPACE : SPACE;
      case 'S' -> wide ? SPACE.not() : ANY_SPACE.not();
      case 't' -> CodePoints.one('\t');
      case 'n' -> CodePoints.one('\n');
      case 'r' -> CodePoints.one('\r');
      case 'f' -> CodePoints.one('\f');
      case 'u' -> hexadecimal();
      default -> {
        if (SYNTAX.indexOf(c) < 0) {
          throw refused("with the escape \\" + Character.toString(c));
        }
        yield CodePoints.one(c);
      }
    };
  }

  private CodePoints hexadecimal() {
    if (at + 4 > input.length) {
      throw refused("with a \\u that four digits do not follow");
    }
    int value = 0;
    for (int i = 0; i < 4; i++) {
      int digit = Character.digit(input[at++], 16);
      if (digit < 0) {
        throw refused("with a \\u that four digits do not follow");
      }
      value = value * 16 + digit;
    }
    if (value >= 0xD800 && value <= 0xDFFF) {
      throw refused("with half a surrogate pair; write the character itself");
    }
    return CodePoints.one(value);
  }

  private boolean take(int c) {
    boolean there = at < input.length && input[at] == c;
    at += there ? 1 : 0;
    return there;
  }

  private InvalidInputException refused(String why) {
    return new InvalidInputException(
        "response_format: the JSON Schema has the pattern '"
            + pattern
            + "' at "
            + pointer
            + ", "
            + why
            + "; docs/constrained-decoding.md lists what patterns may hold");
  }
}
