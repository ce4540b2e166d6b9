package dev.graft.score;

import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A final answer of MATH as Minerva reads and normalises it (Lewkowycz et al., arXiv 2206.14858,
 * appendix D), in the form of lm-evaluation-harness 0.4.13's {@code minerva_math}.
 */
final class MinervaAnswer {
  private static final Pattern SENTENCE =
      PythonText.pattern("Final Answer: The final answer is(.*?). I hope it is correct.");

  private static final List<List<String>> SUBSTITUTIONS =
      List.of(
          List.of("an ", ""),
          List.of("a ", ""),
          List.of(".$", "$"),
          List.of("\\$", ""),
          List.of("\\ ", ""),
          List.of(" ", ""),
          List.of("mbox", "text"),
          List.of(",\\text{and}", ","),
          List.of("\\text{and}", ","),
          List.of("\\text{m}", "\\text{}"));

  /** Words of units and the like; those of letters alone, then what else is taken out. */
  private static final List<String> REMOVED =
      List.of(
          "square",
          "ways",
          "integers",
          "dollars",
          "mph",
          "inches",
          "ft",
          "hours",
          "km",
          "units",
          "\\ldots",
          "sue",
          "points",
          "feet",
          "minutes",
          "digits",
          "cents",
          "degrees",
          "cm",
          "gm",
          "pounds",
          "meters",
          "meals",
          "edges",
          "students",
          "childrentickets",
          "multiples",
          "\\text{s}",
          "\\text{.}",
          "\\text{\ns}",
          "\\text{}^2",
          "\\text{}^3",
          "\\text{\n}",
          "\\text{}",
          "\\mathrm{th}",
          "^\\circ",
          "^{\\circ}",
          "\\;",
          ",\\!",
          "{,}",
          "\"",
          "\\dots");

  private static final Pattern LETTERS = Pattern.compile("[a-z]+");
  private static final Pattern COMMAND = Pattern.compile("\\\\[a-zA-Z]+");
  private static final Pattern DOLLARS = PythonText.pattern("(.*?)(\\$)(.*?)(\\$)(.*)");
  private static final Pattern TEXT = PythonText.pattern("(\\\\text\\{)(.*?)(\\})");
  private static final Pattern BOLD = PythonText.pattern("(\\\\textbf\\{)(.*?)(\\})");
  private static final Pattern OVERLINE = PythonText.pattern("(\\\\overline\\{)(.*?)(\\})");
  private static final Pattern BOXED = PythonText.pattern("(\\\\boxed\\{)(.*)(\\})");
  private static final Pattern FRACTION = PythonText.pattern("(frac)([^{])(.)");
  private static final Pattern INDEXED_ROOT = PythonText.pattern("(sqrt)(\\[[^\\]]*\\])(\\w)");
  private static final Pattern ROOT = PythonText.pattern("(sqrt)(?!\\[)([^{])");
  private static final Pattern GROUPED = PythonText.pattern("-?\\d{1,3}(,\\d{3})+");

  private MinervaAnswer() {}

  /** What the sentence at the end of a solution says, or a text that is no answer. */
  static String in(String solution) {
    Matcher found = SENTENCE.matcher(solution + "I hope it is correct.");
    return found.find() ? PythonText.strip(found.group(1)) : "[invalidanswer]";
  }

  static String normal(String answer) {
    String text = answer.substring(answer.lastIndexOf('=') + 1);
    for (String word : REMOVED) {
      if (LETTERS.matcher(word).matches()) {
        text = PythonText.pattern("(?<!\\\\)\\b" + word + "\\b").matcher(text).replaceAll("");
      }
    }
    for (List<String> substitution : SUBSTITUTIONS) {
      text = text.replace(substitution.get(0), substitution.get(1));
    }
    for (String word : REMOVED) {
      text = LETTERS.matcher(word).matches() ? outsideCommands(text, word) : text.replace(word, "");
    }
    text = DOLLARS.matcher(text).replaceAll("\\$$3\\$");
    text = TEXT.matcher(text).replaceAll("$2");
    text = BOLD.matcher(text).replaceAll("$2");
    text = OVERLINE.matcher(text).replaceAll("$2");
    text = BOXED.matcher(text).replaceAll("$2");
    text = FRACTION.matcher(text).replaceAll("frac{$2}{$3}");
    text = INDEXED_ROOT.matcher(text).replaceAll("$1$2{$3}");
    text = ROOT.matcher(text).replaceAll("sqrt{$2}").replace("$", "");
    return GROUPED.matcher(text).matches() ? text.replace(",", "") : text;
  }

  /** Takes a word out, but not out of the name of a command: {@code \left} keeps its ft. */
  private static String outsideCommands(String text, String word) {
    StringBuilder out = new StringBuilder();
    Matcher command = COMMAND.matcher(text);
    int end = 0;
    while (command.find()) {
      out.append(text.substring(end, command.start()).replace(word, "")).append(command.group());
      end = command.end();
    }
    return out.append(text.substring(end).replace(word, "")).toString();
  }

  /**
   * Whether a written solution has the answer of a right one, which is boxed. lm-evaluation-harness
   * also lets a computer algebra system call two texts equal; here they must be the same text, so
   * that this never counts an answer that it would not.
   */
  static boolean equal(String written, String solution) {
    String answer = normal(in(written));
    return !answer.isEmpty() && answer.equals(normal(BoxedAnswer.in(solution).orElse(solution)));
  }
}
