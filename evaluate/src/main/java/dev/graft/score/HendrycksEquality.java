package dev.graft.score;

import java.util.regex.Pattern;

/**
 * Whether two answers of MATH are the same but for how they are written, by the rules of the
 * benchmark's authors, as lm-evaluation-harness 0.4.13's {@code hendrycks_math} has them ({@code
 * is_equiv}, {@code strip_string}), their oddities included: where a rule cannot be applied, the
 * two are compared as they stand.
 */
final class HendrycksEquality {
  private static final Pattern WHOLE_NUMBER = Pattern.compile("-?[1-9][0-9]*|0");

  /** What Python's {@code int} reads. */
  private static final Pattern READ_AS_NUMBER =
      Pattern.compile("\\s*[+-]?\\p{Nd}+(_\\p{Nd}+)*\\s*", Pattern.UNICODE_CHARACTER_CLASS);

  private HendrycksEquality() {}

  /** A rule found what it cannot deal with. */
  private static final class InapplicableException extends Exception {
    private static final long serialVersionUID = 1L;
  }

  static boolean equal(String one, String other) {
    try {
      return normal(one).equals(normal(other));
    } catch (InapplicableException e) {
      return one.equals(other);
    }
  }

  private static String normal(String answer) throws InapplicableException {
    String text =
        answer
            .replace("\n", "")
            .replace("\\!", "")
            .replace("\\\\", "\\")
            .replace("tfrac", "frac")
            .replace("dfrac", "frac")
            .replace("\\left", "")
            .replace("\\right", "")
            .replace("^{\\circ}", "")
            .replace("^\\circ", "")
            .replace("\\$", "");
    text = withoutUnit(text).replace("\\%", "").replace(" .", " 0.").replace("{.", "{0.");
    if (text.isEmpty()) {
      return text;
    }
    if (text.startsWith(".")) {
      text = "0" + text;
    }
    String[] sides = text.split("=", -1);
    if (sides.length == 2 && sides[0].codePointCount(0, sides[0].length()) <= 2) {
      text = sides[1];
    }
    text = withBracedFractions(withBracedRoots(text).replace(" ", ""));
    return withFraction(text.equals("0.5") ? "\\frac{1}{2}" : text);
  }

  /** Units stand at the end, as text that begins with a space. */
  private static String withoutUnit(String text) throws InapplicableException {
    String[] parts = text.split("\\\\text\\{ ", -1);
    if (parts.length > 2) {
      throw new InapplicableException();
    }
    return parts[0];
  }

  /** {@code \sqrt3} becomes {@code \sqrt{3}}. */
  private static String withBracedRoots(String text) throws InapplicableException {
    String[] parts = text.split("\\\\sqrt", -1);
    StringBuilder out = new StringBuilder(parts[0]);
    for (int i = 1; i < parts.length; i++) {
      if (parts[i].isEmpty()) {
        throw new InapplicableException();
      }
      String first = PythonText.first(parts[i]);
      out.append("\\sqrt")
          .append(
              first.equals("{")
                  ? parts[i]
                  : "{" + first + "}" + parts[i].substring(first.length()));
    }
    return out.toString();
  }

  /** {@code \frac12} and {@code \frac1{2}} become {@code \frac{1}{2}}. */
  private static String withBracedFractions(String text) throws InapplicableException {
    String[] parts = text.split("\\\\frac", -1);
    StringBuilder out = new StringBuilder(parts[0]);
    for (int i = 1; i < parts.length; i++) {
      String part = parts[i];
      if (part.isEmpty()) {
        throw new InapplicableException();
      }
      out.append("\\frac");
      String above = PythonText.first(part);
      if (above.equals("{")) {
        out.append(part);
        continue;
      }
      String rest = part.substring(above.length());
      if (rest.isEmpty()) {
        return text;
      }
      String below = PythonText.first(rest);
      out.append('{').append(above).append('}');
      if (below.equals("{")) {
        out.append(rest);
      } else {
        out.append('{').append(below).append('}').append(rest.substring(below.length()));
      }
    }
    return out.toString();
  }

  /** {@code 1/2} becomes {@code \frac{1}{2}}. */
  private static String withFraction(String text) throws InapplicableException {
    String[] sides = text.split("/", -1);
    if (sides.length != 2) {
      return text;
    }
    for (String side : sides) {
      if (!READ_AS_NUMBER.matcher(side).matches()) {
        throw new InapplicableException();
      }
    }
    return WHOLE_NUMBER.matcher(sides[0]).matches() && WHOLE_NUMBER.matcher(sides[1]).matches()
        ? "\\frac{" + sides[0] + "}{" + sides[1] + "}"
        : text;
  }
}
