package dev.graft.score;

import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;

/**
 * Whether two texts are equal after what is to be ignored is taken out of both, as
 * lm-evaluation-harness 0.4.13's {@code exact_match} does.
 */
record ExactMatch(
    List<Pattern> ignored, boolean ignoreCase, boolean ignorePunctuation, boolean ignoreNumbers) {
  /** Python's {@code string.punctuation}. */
  private static final Pattern PUNCTUATION = Pattern.compile("\\p{Punct}");

  private static final Pattern DIGITS = Pattern.compile("[0-9]");

  ExactMatch {
    ignored = List.copyOf(ignored);
  }

  boolean equal(String prediction, String reference) {
    return reduced(prediction).equals(reduced(reference));
  }

  private String reduced(String text) {
    String rest = text;
    for (Pattern pattern : ignored) {
      rest = pattern.matcher(rest).replaceAll("");
    }
    if (ignoreCase) {
      rest = rest.toLowerCase(Locale.ROOT);
    }
    if (ignorePunctuation) {
      rest = PUNCTUATION.matcher(rest).replaceAll("");
    }
    return ignoreNumbers ? DIGITS.matcher(rest).replaceAll("") : rest;
  }
}
