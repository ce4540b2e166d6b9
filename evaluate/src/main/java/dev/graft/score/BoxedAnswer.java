package dev.graft.score;

import java.util.Optional;

/**
 * The answer that a solution of MATH (Hendrycks et al., arXiv 2103.03874) puts into a box, found as
 * lm-evaluation-harness 0.4.13 does ({@code last_boxed_only_string}, {@code remove_boxed}).
 */
final class BoxedAnswer {
  private static final String SPACED = "\\boxed ";
  private static final String BRACED = "\\boxed{";

  private BoxedAnswer() {}

  /** What is in the last box; empty where there is none, or its brace never closes. */
  static Optional<String> in(String text) {
    int spaced = text.lastIndexOf(SPACED);
    if (spaced >= 0) {
      String rest = text.substring(spaced + SPACED.length());
      int dollar = rest.indexOf('$');
      return Optional.of(dollar < 0 ? rest : rest.substring(0, dollar));
    }
    int start = text.lastIndexOf("\\boxed");
    if (start < 0 || !text.startsWith(BRACED, start)) {
      return Optional.empty();
    }
    int open = 0;
    for (int i = start; i < text.length(); i++) {
      if (text.charAt(i) == '{') {
        open++;
      } else if (text.charAt(i) == '}' && --open == 0) {
        return Optional.of(text.substring(start + BRACED.length(), i));
      }
    }
    return Optional.empty();
  }

  /**
   * Of a text without a box what stands between its first and its last dollar sign, else all of it,
   * as lm-evaluation-harness's {@code hendrycks_math} reads answers.
   */
  static String betweenDollars(String text) {
    int first = text.indexOf('$');
    int last = text.lastIndexOf('$');
    return first < last ? text.substring(first + 1, last) : text;
  }

  /**
   * Whether a written solution has the answer of a right one: what is in its last box or, without
   * one, between its dollar signs, compared as the benchmark's authors do.
   */
  static boolean equal(String written, String solution) {
    return HendrycksEquality.equal(
        in(written).orElseGet(() -> betweenDollars(written)), in(solution).orElse(solution));
  }
}
