package dev.graft.page;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.graft.events.InvalidRunException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The page of evaluations: its figures, and itself in a browser. */
class EvaluationPageTest {
  @TempDir Path folder;

  private static final String RESULT =
      """
      {"model": "%s", "task": "mmlu", "title": "MMLU", "version": "1.0", "num_fewshot": 5,
       "chat": false, "files": ["a.csv"], "items": 4, "truncated": 1, "answer_outside_choices": 0,
       "metrics": {"acc": {"value": %s, "stderr": 0.25, "items": 4}},
       "macro": {"acc": {"value": 0.5, "stderr": 0.25, "items": 4}}, "groups": {},
       "subjects": {"anatomy": {"acc": {"value": 0.5, "stderr": 0.5, "items": 2}},
                    "abstract_algebra": {"acc": {"value": 1.0, "items": 2}}}},
      {"model": "%s", "task": "wikitext", "title": "WikiText-2", "version": "2.0", "num_fewshot": 0,
       "chat": false, "files": ["w"], "items": 2, "truncated": 0, "answer_outside_choices": 0,
       "metrics": {"word_perplexity": {"value": 21.5, "items": 2}}, "macro": {}, "groups": {},
       "subjects": {}}
      """;

  private static final String PAIR =
      """
      {"first": "%s", "second": "%s", "task": "%s", "items": 4%s,
       "mean_absolute_loglikelihood_difference": 0.0123}
      """;

  private static final String METRIC =
      """
      , "equal_answers": 0.5, "metric": "acc", "only_first_right": 1, "only_second_right": 0,
       "change": -0.25, "change_stderr": 0.25, "mcnemar_p": 1.0,
       "mean_absolute_difference_among_choices": 0.0045
      """;

  private Path results(String one, String other) throws IOException {
    Path file = folder.resolve("results.json");
    Files.writeString(
        file,
        "{\"results\": ["
            + RESULT.formatted(one, "0.75", one)
            + ","
            + RESULT.formatted(other, "0.5", other)
            + "], \"paired\": ["
            + PAIR.formatted(one, other, "mmlu", METRIC)
            + ","
            + PAIR.formatted(one, other, "wikitext", "")
            + "]}");
    return file;
  }

  @Test
  void everySectionIsDrawn() throws IOException, InterruptedException {
    String evil = "<img src=x onerror=console.log(1)>";
    Path page = folder.resolve("page.html");
    EvaluationPage.write("", List.of(results("dense", evil)), page);
    String html = Chromium.rendered(page, folder);
    for (String id : List.of("summary", "scores", "pairs", "subjects", "metrics", "conditions")) {
      assertTrue(html.contains("<section id=\"" + id + "\""), id);
    }
    assertEquals(3, html.split("<canvas", -1).length - 1);
    assertEquals(1, html.split("<img", -1).length, "text has become an element");
    assertTrue(html.contains("Skywork-MoE technical report (arXiv 2406.06563), table 1"), html);
    assertTrue(html.contains("75.0<small> ± 25.0</small>"), html);
    assertTrue(html.contains("<td>−25.00</td><td>−74.00 to +24.00</td><td>1 : 0</td>"), html);
    assertTrue(html.contains("21.500"), html);
  }

  @Test
  void whatIsNoResultIsRefused() throws IOException {
    Path file = Files.writeString(folder.resolve("other.json"), "{\"results\": []}");
    assertThrows(
        InvalidRunException.class,
        () -> EvaluationPage.write("", List.of(file), folder.resolve("page.html")));
    assertTrue(EvaluationPage.describes(file));
    Path text = Files.writeString(folder.resolve("text.json"), "no JSON");
    assertTrue(!EvaluationPage.describes(text));
  }
}
