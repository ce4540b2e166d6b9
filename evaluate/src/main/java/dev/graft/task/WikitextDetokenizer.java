package dev.graft.task;

import java.util.List;
import java.util.regex.Pattern;

/**
 * Undoes WikiText's tokenisation as lm-evaluation-harness 0.4.13 does before a model sees a page
 * ({@code tasks/wikitext/preprocess_wikitext.py}), so that perplexities agree.
 */
final class WikitextDetokenizer {
  private record Rule(Pattern pattern, String replacement) {
    static Rule text(String from, String to) {
      return new Rule(Pattern.compile(from, Pattern.LITERAL), to);
    }

    /** White space is what Python's regular expressions take for it. */
    static Rule expression(String from, String to) {
      return new Rule(Pattern.compile(from, Pattern.UNICODE_CHARACTER_CLASS), to);
    }
  }

  private static final List<Rule> RULES =
      List.of(
          Rule.text("s '", "s'"),
          Rule.expression("/' [0-9]/", "/'[0-9]/"),
          Rule.text(" @-@ ", "-"),
          Rule.text(" @,@ ", ","),
          Rule.text(" @.@ ", "."),
          Rule.text(" : ", ": "),
          Rule.text(" ; ", "; "),
          Rule.text(" . ", ". "),
          Rule.text(" ! ", "! "),
          Rule.text(" ? ", "? "),
          Rule.text(" , ", ", "),
          Rule.expression("\\(\\s*([^\\)]*?)\\s*\\)", "($1)"),
          Rule.expression("\\[\\s*([^\\]]*?)\\s*\\]", "[$1]"),
          Rule.expression("\\{\\s*([^}]*?)\\s*\\}", "{$1}"),
          Rule.expression("\"\\s*([^\"]*?)\\s*\"", "\"$1\""),
          Rule.expression("'\\s*([^']*?)\\s*'", "'$1'"),
          Rule.text("= = = =", "===="),
          Rule.text("= = =", "==="),
          Rule.text("= =", "=="),
          Rule.text(" \u00b0 ", "\u00b0"),
          Rule.text(" \n", "\n"),
          Rule.text("\n ", "\n"),
          Rule.text(" N ", " 1 "),
          Rule.text(" 's", "'s"));

  private WikitextDetokenizer() {}

  static String detokenize(String page) {
    String text = page;
    for (Rule rule : RULES) {
      text = rule.pattern.matcher(text).replaceAll(rule.replacement);
    }
    return text;
  }
}
