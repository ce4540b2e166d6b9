package dev.graft.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.graft.peers.Shared;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

/** What {@code /v1/completions} answers, compared with values of transformers. */
class CompletionsTest {
  private static final String PATH = "/v1/completions";
  private static TestServer server;

  @BeforeAll
  static void start() throws Exception {
    server = TestServer.open();
  }

  @AfterAll
  static void stop() {
    if (server != null) {
      server.close();
    }
  }

  private static JsonNode golden(int i) throws Exception {
    return Shared.cases("stories260k").get(i);
  }

  private static String body(String prompt, String more) {
    return "{\"prompt\": " + prompt + ", \"temperature\": 0" + more + "}";
  }

  @Test
  void theTextIsTransformers() throws Exception {
    for (JsonNode example : Shared.cases("stories260k")) {
      String more = ", \"max_tokens\": 32, \"model\": \"stories260k\"";
      JsonNode answer = server.answer(PATH, body(example.get("prompt").toString(), more));
      JsonNode choice = answer.get("choices").get(0);
      assertEquals(example.get("greedy_32_text").asString(), choice.get("text").asString());
      assertEquals("length", choice.get("finish_reason").asString());
      assertEquals("text_completion", answer.get("object").asString());
      int prompt = example.get("ids").size();
      assertEquals(prompt, answer.get("usage").get("prompt_tokens").asInt());
      assertEquals(32, answer.get("usage").get("completion_tokens").asInt());
      assertEquals(prompt + 32, answer.get("usage").get("total_tokens").asInt());
    }
  }

  @Test
  void everyFormOfPromptIsTaken() throws Exception {
    JsonNode one = golden(0);
    JsonNode two = golden(1);
    String texts = "[" + one.get("prompt") + "," + two.get("prompt") + "]";
    String ids = "[" + one.get("ids") + "," + two.get("ids") + "]";
    for (String prompt : List.of(texts, ids)) {
      JsonNode choices = server.answer(PATH, body(prompt, ", \"max_tokens\": 32")).get("choices");
      assertEquals(2, choices.size());
      assertEquals(one.get("greedy_32_text"), choices.get(0).get("text"));
      assertEquals(two.get("greedy_32_text"), choices.get(1).get("text"));
      assertEquals(1, choices.get(1).get("index").asInt());
    }
    JsonNode single = server.answer(PATH, body(one.get("ids").toString(), ", \"max_tokens\": 32"));
    assertEquals(one.get("greedy_32_text"), single.get("choices").get(0).get("text"));
  }

  @Test
  void promptsAreScoredAsTransformersScoresThem() throws Exception {
    for (JsonNode example : Shared.cases("stories260k")) {
      JsonNode choice =
          server
              .answer(
                  PATH,
                  body(
                      "[" + example.get("ids") + "]",
                      ", \"max_tokens\": 1, \"echo\": true, \"logprobs\": 1"))
              .get("choices")
              .get(0);
      JsonNode scores = choice.get("logprobs").get("token_logprobs");
      int prompt = example.get("ids").size();
      assertEquals(prompt + 1, scores.size());
      assertTrue(scores.get(0).isNull());
      assertTrue(choice.get("logprobs").get("top_logprobs").get(0).isNull());
      double sum = 0;
      for (int i = 1; i < prompt; i++) {
        sum -= scores.get(i).asDouble();
        JsonNode top = choice.get("logprobs").get("top_logprobs").get(i);
        assertTrue(top.has(choice.get("logprobs").get("tokens").get(i).asString()));
        assertTrue(top.size() >= 1 && top.size() <= 2, top.toString());
      }
      assertEquals(example.get("mean_nll").asDouble(), sum / (prompt - 1), 1e-4);
    }
  }

  @Test
  void noTokenIsGeneratedWhereNoneIsWanted() throws Exception {
    String more = ", \"max_tokens\": 0, \"echo\": true, \"logprobs\": 0";
    JsonNode answer = server.answer(PATH, body("\"Once upon a time\"", more));
    assertEquals(0, answer.get("usage").get("completion_tokens").asInt());
    JsonNode choice = answer.get("choices").get(0);
    assertEquals(5, choice.get("logprobs").get("tokens").size());
    assertTrue(choice.get("text").asString().endsWith("Once upon a time"));
  }

  @Test
  void aStreamSaysTheSame() throws Exception {
    String more = ", \"max_tokens\": 40, \"n\": 2, \"logprobs\": 2";
    JsonNode whole = server.answer(PATH, body("\"Once upon a time\"", more));
    List<JsonNode> events =
        server.events(
            PATH,
            body(
                "\"Once upon a time\"",
                more + ", \"stream\": true, \"stream_options\": {\"include_usage\": true}"));
    for (int c = 0; c < 2; c++) {
      int index = c;
      List<JsonNode> of =
          events.stream()
              .filter(event -> !event.get("choices").isEmpty())
              .map(event -> event.get("choices").get(0))
              .filter(choice -> choice.get("index").asInt() == index)
              .toList();
      JsonNode expected = whole.get("choices").get(c);
      assertEquals(
          expected.get("text").asString(),
          of.stream().map(choice -> choice.get("text").asString()).collect(Collectors.joining()));
      List<String> logprobs = new ArrayList<>();
      of.forEach(choice ->
          choice
              .get("logprobs")
              .get("token_logprobs")
              .forEach(value -> logprobs.add(value.toString())));
      List<String> all = new ArrayList<>();
      expected.get("logprobs").get("token_logprobs").forEach(v -> all.add(v.toString()));
      assertEquals(all, logprobs);
      assertEquals(1, of.stream().filter(ch -> !ch.get("finish_reason").isNull()).count());
    }
    JsonNode last = events.getLast();
    assertEquals(whole.get("usage"), last.get("usage"));
    assertTrue(events.getFirst().get("usage").isNull());
  }

  @Test
  void stopStringsEndTheTextAndAreNotPartOfIt() throws Exception {
    JsonNode choice =
        server
            .answer(
                PATH,
                body("\"Once upon a time\"", ", \"max_tokens\": 40, \"stop\": [\"girl\", \"zzz\"]"))
            .get("choices")
            .get(0);
    assertEquals(", there was a little ", choice.get("text").asString());
    assertEquals("stop", choice.get("finish_reason").asString());
  }

  @Test
  void aSeedRepeatsAndChoicesDiffer() throws Exception {
    String body =
        "{\"prompt\": \"Once\", \"max_tokens\": 30, \"temperature\": 1, \"seed\": 7, \"n\": 3}";
    JsonNode once = server.answer(PATH, body).get("choices");
    assertEquals(once, server.answer(PATH, body).get("choices"));
    assertNotEquals(once.get(0).get("text"), once.get(1).get("text"));
  }

  @Test
  void biasAndPenaltiesChangeWhatIsDrawn() throws Exception {
    String prompt = "\"Once upon a time\"";
    int comma = Shared.cases("stories260k").get(0).get("greedy_32_ids").get(0).asInt();
    JsonNode forbidden =
        server.answer(
            PATH, body(prompt, ", \"max_tokens\": 5, \"logit_bias\": {\"" + comma + "\": -100}"));
    assertFalse(forbidden.get("choices").get(0).get("text").asString().startsWith(","));
    JsonNode forced =
        server.answer(
            PATH, body(prompt, ", \"max_tokens\": 4, \"logit_bias\": {\"" + comma + "\": 100}"));
    assertEquals(",,,,", forced.get("choices").get(0).get("text").asString());
    // 100 − 2 − 2·count: after some forty commas something else is more likely.
    JsonNode punished =
        server.answer(
            PATH,
            body(
                prompt,
                ", \"max_tokens\": 80, \"presence_penalty\": 2, \"frequency_penalty\": 2,"
                    + " \"logit_bias\": {\""
                    + comma
                    + "\": 100}"));
    String text = punished.get("choices").get(0).get("text").asString();
    assertTrue(text.startsWith(",".repeat(30)), text);
    assertFalse(text.startsWith(",".repeat(60)), text);
  }

  /** More requests than places, all at once: each is answered as if it were alone. */
  @Test
  void answersDoNotDependOnWhatElseRuns() throws Exception {
    List<String> bodies = new ArrayList<>();
    for (int i = 0; i < 40; i++) {
      String prompt =
          "\"One day a " + List.of("cat", "dog", "girl", "boy").get(i % 4) + " " + i + "\"";
      bodies.add(body(prompt, ", \"max_tokens\": " + (10 + i)));
    }
    List<JsonNode> alone = new ArrayList<>();
    for (String body : bodies) {
      alone.add(server.answer(PATH, body).get("choices"));
    }
    try (ExecutorService threads = Executors.newFixedThreadPool(40)) {
      List<Callable<JsonNode>> calls =
          bodies.stream()
              .<Callable<JsonNode>>map(body -> () -> server.answer(PATH, body).get("choices"))
              .toList();
      List<Future<JsonNode>> together = threads.invokeAll(calls);
      for (int i = 0; i < together.size(); i++) {
        assertEquals(alone.get(i), together.get(i).get());
      }
    }
    server.awaitRest();
  }

  @Test
  void tokensGoBackAndForth() throws Exception {
    JsonNode example = golden(0);
    JsonNode tokens = server.answer("/tokenize", "{\"prompt\": " + example.get("prompt") + "}");
    assertEquals(example.get("ids"), tokens.get("tokens"));
    assertEquals(example.get("ids").size(), tokens.get("count").asInt());
    JsonNode text = server.answer("/detokenize", "{\"tokens\": " + example.get("ids") + "}");
    assertTrue(text.get("prompt").asString().endsWith("Once upon a time"), text.toString());
  }
}
