package dev.graft.constrain;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import tools.jackson.databind.JsonNode;

/**
 * JSON as it is generated: at most one space after a comma or colon and none elsewhere, characters
 * as UTF-8 but for those that RFC 8259 wants escaped, each in its shortest escape.
 */
final class JsonText {
  /** Digits of an integer at most: all that a long holds. */
  static final int INTEGER_DIGITS = 18;

  private static final CodePoints PLAIN =
      CodePoints.one('"').or(CodePoints.one('\\')).or(CodePoints.pairs("\u0000\u001F")).not();

  private static final String SHORT = "\"\\\b\f\n\r\t";
  private static final String SHORT_NAMES = "\"\\bfnrt";

  private final ExpressionPool pool;
  private final Expression character;

  JsonText(ExpressionPool pool) {
    this.pool = pool;
    this.character = characters(CodePoints.ALL);
  }

  /** One character of a string, of a set. */
  Expression characters(CodePoints set) {
    List<Expression> parts = new ArrayList<>();
    for (CodePoints.Range range : set.and(PLAIN).ranges()) {
      utf8(range, parts);
    }
    for (int c = 0; c < 0x20; c++) {
      if (set.contains(c) && SHORT.indexOf(c) < 0) {
        int digit = c & 0xF;
        char upper = Character.toUpperCase(Character.forDigit(digit, 16));
        char lower = Character.forDigit(digit, 16);
        parts.add(
            pool.sequence(
                pool.text("\\u00" + (c >> 4)),
                pool.choice(pool.bytes(upper, upper), pool.bytes(lower, lower))));
      }
    }
    for (int i = 0; i < SHORT.length(); i++) {
      if (set.contains(SHORT.charAt(i))) {
        parts.add(pool.text("\\" + SHORT_NAMES.charAt(i)));
      }
    }
    return pool.choice(parts);
  }

  private void utf8(CodePoints.Range range, List<Expression> into) {
    int[] ends = {0x7F, 0x7FF, 0xFFFF, 0x10FFFF};
    int low = range.low();
    for (int end : ends) {
      int high = Math.min(range.high(), end);
      if (low <= high) {
        into.add(pool.between(encode(low), encode(high), 0x80, 0xBF));
        low = high + 1;
      }
    }
  }

  private static int[] encode(int codePoint) {
    byte[] bytes = Character.toString(codePoint).getBytes(java.nio.charset.StandardCharsets.UTF_8);
    int[] values = new int[bytes.length];
    for (int i = 0; i < bytes.length; i++) {
      values[i] = bytes[i] & 0xFF;
    }
    return values;
  }

  /** A string whose characters are these. */
  Expression quoted(Expression contents) {
    return pool.sequence(pool.text("\""), contents, pool.text("\""));
  }

  /** Any character of a string. */
  Expression character() {
    return character;
  }

  /** A string of so many characters. */
  Expression string(int min, int max) {
    return quoted(pool.repeat(character, min, max));
  }

  /** This very string. */
  Expression string(String value) {
    List<Expression> all = new ArrayList<>();
    value.codePoints().forEach(c -> all.add(characters(CodePoints.one(c))));
    all.add(pool.text("\""));
    all.addFirst(pool.text("\""));
    return pool.sequence(all.toArray(Expression[]::new));
  }

  /** Any string but these. */
  Expression stringExcept(Set<String> names) {
    return pool.sequence(
        pool.text("\""), except(names.stream().map(n -> n.codePoints().toArray()).toList(), 0));
  }

  private Expression except(List<int[]> names, int at) {
    Map<Integer, List<int[]>> children = new TreeMap<>();
    boolean ends = false;
    for (int[] name : names) {
      if (name.length == at) {
        ends = true;
      } else {
        children.computeIfAbsent(name[at], c -> new ArrayList<>()).add(name);
      }
    }
    List<Expression> parts = new ArrayList<>();
    CodePoints others = CodePoints.ALL;
    for (Map.Entry<Integer, List<int[]>> child : children.entrySet()) {
      CodePoints one = CodePoints.one(child.getKey());
      others = others.and(one.not());
      parts.add(pool.sequence(characters(one), except(child.getValue(), at + 1)));
    }
    parts.add(
        pool.sequence(
            characters(others),
            pool.repeat(character, 0, ExpressionPool.UNBOUNDED),
            pool.text("\"")));
    if (!ends) {
      parts.add(pool.text("\""));
    }
    return pool.choice(parts);
  }

  /** Between two values or keys. */
  Expression comma() {
    return pool.sequence(pool.text(","), pool.optional(pool.text(" ")));
  }

  /** Between a key and its value. */
  Expression colon() {
    return pool.sequence(pool.text(":"), pool.optional(pool.text(" ")));
  }

  private Expression digits(int min, int max) {
    return pool.repeat(pool.bytes('0', '9'), min, max);
  }

  private Expression whole(int digits) {
    return pool.choice(pool.text("0"), pool.sequence(pool.bytes('1', '9'), digits(0, digits - 1)));
  }

  /** Any number: at most 15 digits before and after the point and 2 of exponent. */
  Expression number() {
    Expression sign = pool.optional(pool.choice(pool.text("+"), pool.text("-")));
    Expression exponent =
        pool.sequence(pool.choice(pool.text("e"), pool.text("E")), sign, digits(1, 2));
    return pool.sequence(
        pool.optional(pool.text("-")),
        whole(15),
        pool.optional(pool.sequence(pool.text("."), digits(1, 15))),
        pool.optional(exponent));
  }

  /** An integer from one to another, without point or exponent. */
  Expression integer(BigInteger low, BigInteger high) {
    List<Expression> parts = new ArrayList<>();
    if (low.signum() < 0) {
      BigInteger nearest = high.signum() < 0 ? high.negate() : BigInteger.ONE;
      parts.add(pool.sequence(pool.text("-"), natural(nearest, low.negate())));
    }
    parts.add(natural(low.max(BigInteger.ZERO), high));
    return pool.choice(parts);
  }

  private Expression natural(BigInteger low, BigInteger high) {
    List<Expression> parts = new ArrayList<>();
    BigInteger from = low;
    while (from.compareTo(high) <= 0) {
      int length = from.toString().length();
      BigInteger to = BigInteger.TEN.pow(length).subtract(BigInteger.ONE).min(high);
      parts.add(pool.between(figures(from), figures(to), '0', '9'));
      from = to.add(BigInteger.ONE);
    }
    return pool.choice(parts);
  }

  private static int[] figures(BigInteger value) {
    return value.toString().chars().toArray();
  }

  /** This very value, its keys in their order. */
  Expression literal(JsonNode value) {
    List<Expression> all = new ArrayList<>();
    if (value.isObject()) {
      for (Map.Entry<String, JsonNode> property : value.properties()) {
        all.add(all.isEmpty() ? pool.text("{") : comma());
        all.add(string(property.getKey()));
        all.add(colon());
        all.add(literal(property.getValue()));
      }
      all.add(pool.text(all.isEmpty() ? "{}" : "}"));
    } else if (value.isArray()) {
      for (JsonNode item : value) {
        all.add(all.isEmpty() ? pool.text("[") : comma());
        all.add(literal(item));
      }
      all.add(pool.text(all.isEmpty() ? "[]" : "]"));
    } else {
      all.add(value.isString() ? string(value.stringValue()) : pool.text(value.toString()));
    }
    return pool.sequence(all.toArray(Expression[]::new));
  }
}
