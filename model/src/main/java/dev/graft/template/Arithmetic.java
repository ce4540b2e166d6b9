package dev.graft.template;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Python's operators between two values. */
final class Arithmetic {
  private static final Pattern FORMAT = Pattern.compile("%([-0]*\\d*(?:\\.\\d+)?)([sdrfi%])");

  private Arithmetic() {}

  static Object apply(String operator, Object left, Object right) {
    if (operator.equals("~")) {
      return Values.string(left) + Values.string(right);
    }
    for (Object side : new Object[] {left, right}) {
      if (side instanceof Undefined undefined) {
        throw undefined.error();
      }
    }
    if (operator.equals("+")) {
      if (left instanceof String a && right instanceof String b) {
        return a + b;
      }
      if (left instanceof List<?> a && right instanceof List<?> b) {
        List<Object> joined = new ArrayList<>(a);
        joined.addAll(b);
        return joined;
      }
    }
    if (operator.equals("*") && left instanceof String text && right instanceof Long times) {
      return text.repeat((int) Math.max(0, times));
    }
    if (operator.equals("%") && left instanceof String text) {
      return format(text, right instanceof List<?> list ? new ArrayList<>(list) : List.of(right));
    }
    if (!Values.isNumber(left) || !Values.isNumber(right)) {
      throw new TemplateException(
          Values.representation(left)
              + " "
              + operator
              + " "
              + Values.representation(right)
              + " has no meaning");
    }
    Number a = Values.toNumber(left);
    Number b = Values.toNumber(right);
    boolean divides = operator.equals("/") || operator.equals("//") || operator.equals("%");
    if (divides && b.doubleValue() == 0) {
      throw new TemplateException("a division by zero");
    }
    return a instanceof Long x && b instanceof Long y && !operator.equals("/")
        ? whole(operator, x, y)
        : fraction(operator, a.doubleValue(), b.doubleValue());
  }

  private static Object whole(String operator, long a, long b) {
    return switch (operator) {
      case "+" -> a + b;
      case "-" -> a - b;
      case "*" -> a * b;
      case "//" -> Math.floorDiv(a, b);
      case "%" -> Math.floorMod(a, b);
      case "**" -> power(a, b);
      default -> throw new TemplateException("the operator '" + operator + "' is not known");
    };
  }

  private static Object power(long a, long b) {
    if (b < 0) {
      return Math.pow((double) a, (double) b);
    }
    BigInteger power = BigInteger.valueOf(a).pow((int) Math.min(b, 1000));
    if (power.bitLength() > 63) {
      throw new TemplateException(a + " ** " + b + " is too large");
    }
    return power.longValue();
  }

  private static Object fraction(String operator, double a, double b) {
    return switch (operator) {
      case "+" -> a + b;
      case "-" -> a - b;
      case "*" -> a * b;
      case "/" -> a / b;
      case "//" -> Math.floor(a / b);
      case "%" -> a - b * Math.floor(a / b);
      case "**" -> Math.pow(a, b);
      default -> throw new TemplateException("the operator '" + operator + "' is not known");
    };
  }

  /** Python's {@code text % values}. */
  static String format(String text, List<Object> values) {
    StringBuilder formatted = new StringBuilder();
    Matcher matcher = FORMAT.matcher(text);
    int next = 0;
    while (matcher.find()) {
      String by;
      if (matcher.group(2).equals("%")) {
        by = "%";
      } else if (next == values.size()) {
        throw new TemplateException("the format '" + text + "' needs more values");
      } else {
        Object value = values.get(next++);
        by =
            switch (matcher.group(2)) {
              case "d", "i" ->
                  String.format("%" + matcher.group(1) + "d", Values.toNumber(value).longValue());
              case "f" ->
                  String.format("%" + matcher.group(1) + "f", Values.toNumber(value).doubleValue());
              case "r" -> Values.representation(value);
              default -> String.format("%" + matcher.group(1) + "s", Values.string(value));
            };
      }
      matcher.appendReplacement(formatted, Matcher.quoteReplacement(by));
    }
    return matcher.appendTail(formatted).toString();
  }
}
