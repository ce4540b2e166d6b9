package dev.graft.score;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.graft.peers.PeerPython;
import dev.graft.peers.Shared;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Answers taken out of texts and compared, by our functions and by lm-evaluation-harness's. */
class GenerationScoresTest {
  private static final RegexExtraction STRICT =
      new RegexExtraction(
          PythonText.pattern("#### (\\-?[0-9\\.\\,]+)"), 0, RegexExtraction.INVALID);

  private static final RegexExtraction FLEXIBLE =
      new RegexExtraction(
          PythonText.pattern("(-?[$0-9.,]{2,})|(-?[0-9]+)"), -1, RegexExtraction.INVALID);

  private static final ExactMatch EXACT =
      new ExactMatch(
          List.of(
              Pattern.compile(","),
              Pattern.compile("\\$"),
              Pattern.compile("(?s).*#### "),
              Pattern.compile("\\.$")),
          true,
          false,
          false);

  @TempDir Path folder;

  private record Case(String text, String solution) {}

  /** Real answers, and pieces of them put together at random. */
  private static List<Case> cases() throws IOException {
    List<Case> cases = new ArrayList<>();
    List<String> answers = new ArrayList<>();
    for (String line : Files.readAllLines(Shared.path("data/eval/math500/test.jsonl"))) {
      JsonNode node = JsonMapper.shared().readTree(line);
      String solution = node.get("solution").asString();
      cases.add(new Case(solution, node.get("answer").asString()));
      answers.add(node.get("answer").asString());
    }
    for (String line :
        Files.readAllLines(Shared.path("data/eval/gsm8k/test.jsonl")).subList(0, 200)) {
      String answer = JsonMapper.shared().readTree(line).get("answer").asString();
      cases.add(new Case(answer, answer));
      cases.add(new Case(answer.replace("#### ", "The answer is $") + ".00 dollars.", answer));
    }
    List<String> pieces =
        new ArrayList<>(
            List.of(
                "\\frac",
                "\\dfrac12",
                "\\tfrac{1}2",
                "\\sqrt",
                "\\sqrt3",
                "\\sqrt[3]8",
                "1/2",
                "x/2",
                "+3/04",
                "0.5",
                ".5",
                " .5",
                "{.5",
                "\\text{ cm}",
                "\\text{m}^2",
                "cm",
                "\\left(",
                "\\right)",
                "90^\\circ",
                "^{\\circ}",
                "\\$18",
                "$x$",
                "$",
                "\\%",
                "=",
                "k = ",
                "10,000",
                "0,1",
                "\\!",
                "\\\\",
                "\n",
                " ",
                "\\boxed{",
                "}",
                "{",
                "\\boxed ",
                "\\fbox{7}",
                "an ",
                "feet",
                "#### -1,234.5",
                "#### ",
                "Final Answer: The final answer is",
                ". I hope it is correct.",
                "\\mathrm{th}",
                "\\text{and}",
                "\\textbf{A}",
                "\u00a0",
                "\u0663",
                "\ud835\udc65",
                "-7",
                "3.",
                "1_000/2",
                "\\ldots",
                "\\overline{AB}"));
    pieces.addAll(answers.subList(0, 60));
    Random random = new Random(8);
    for (int i = 0; i < 3000; i++) {
      cases.add(new Case(mixed(pieces, random), mixed(pieces, random)));
      String same = mixed(pieces, random);
      cases.add(new Case(same, same.replace(" ", "").replace("\\dfrac", "\\frac")));
    }
    return cases;
  }

  private static String mixed(List<String> pieces, Random random) {
    StringBuilder text = new StringBuilder();
    for (int n = 1 + random.nextInt(4); n > 0; n--) {
      text.append(pieces.get(random.nextInt(pieces.size())));
    }
    return text.toString();
  }

  @Test
  void answersAreTakenOutAndComparedAsLmEvalDoes() throws IOException {
    List<Case> cases = cases();
    Path file = folder.resolve("cases.json");
    JsonMapper.shared()
        .writeValue(
            file,
            cases.stream().map(one -> Map.of("text", one.text, "solution", one.solution)).toList());
    List<String> lines =
        PeerPython.run("scripts/peers/eval_text.py", file.toString()).lines().toList();
    assertEquals(cases.size(), lines.size());
    int equal = 0;
    for (int i = 0; i < lines.size(); i++) {
      JsonNode theirs = JsonMapper.shared().readTree(lines.get(i));
      Case own = cases.get(i);
      String what = own.toString();
      String strict = STRICT.apply(own.text);
      String flexible = FLEXIBLE.apply(own.text);
      assertEquals(theirs.get("strict").asString(), strict, what);
      assertEquals(theirs.get("flexible").asString(), flexible, what);
      assertEquals(theirs.get("strict_match").asBoolean(), EXACT.equal(strict, own.solution), what);
      assertEquals(
          theirs.get("flexible_match").asBoolean(), EXACT.equal(flexible, own.solution), what);
      assertEquals(
          theirs.get("exact_match").asBoolean(), EXACT.equal(own.text, own.solution), what);
      assertEquals(
          Optional.of(theirs.get("boxed")).filter(n -> !n.isNull()).map(JsonNode::asString),
          BoxedAnswer.in(own.text),
          what);
      boolean hendrycks = HendrycksEquality.equal(own.text, own.solution);
      assertEquals(theirs.get("hendrycks").asBoolean(), hendrycks, what);
      equal += hendrycks ? 1 : 0;
      assertEquals(theirs.get("minerva_answer").asString(), MinervaAnswer.in(own.text), what);
      assertEquals(theirs.get("minerva").asString(), MinervaAnswer.normal(own.text), what);
    }
    assertTrue(equal > 500 && equal < lines.size() - 500, equal + " of " + lines.size());
  }

  @Test
  void everySolutionOfMathHasItsOwnAnswer() throws IOException {
    for (String line : Files.readAllLines(Shared.path("data/eval/math500/test.jsonl"))) {
      JsonNode node = JsonMapper.shared().readTree(line);
      String solution = node.get("solution").asString();
      String answer = BoxedAnswer.in(solution).orElseThrow();
      assertTrue(HendrycksEquality.equal(answer, node.get("answer").asString()), line);
      String written =
          "So it is. Final Answer: The final answer is $" + answer + "$. I hope it is correct.";
      assertTrue(MinervaAnswer.equal(written, solution), line);
      assertTrue(!MinervaAnswer.equal("Final Answer: The final answer is 0.123", solution), line);
    }
  }

  @Test
  void passAtKIsTheShareOfChoicesOfKThatHoldAPass() {
    for (int n = 1; n <= 9; n++) {
      for (int c = 0; c <= n; c++) {
        for (int k = 1; k <= n; k++) {
          int holding = 0;
          int all = 0;
          for (int set = 0; set < 1 << n; set++) {
            if (Integer.bitCount(set) == k) {
              all++;
              holding += (set & ((1 << c) - 1)) != 0 ? 1 : 0; // the first c passed
            }
          }
          assertEquals((double) holding / all, PassAtK.estimate(n, c, k), 1e-12);
        }
      }
    }
  }

  @Test
  void passAtKHasNoBias() {
    // The mean over binomial c of the estimate must be 1 − (1 − p)^k.
    for (double p : new double[] {0.01, 0.3, 0.9}) {
      for (int k : new int[] {1, 10, 100}) {
        int n = 200;
        double mean = 0;
        double probability = Math.pow(1 - p, n);
        for (int c = 0; c <= n; c++) {
          mean += probability * PassAtK.estimate(n, c, k);
          probability *= p / (1 - p) * (n - c) / (c + 1);
        }
        assertEquals(1 - Math.pow(1 - p, k), mean, 1e-9);
      }
    }
    assertThrows(IllegalArgumentException.class, () -> PassAtK.estimate(3, 1, 4));
  }
}
