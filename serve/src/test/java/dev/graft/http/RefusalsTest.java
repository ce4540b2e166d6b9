package dev.graft.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Requests that are at fault are told so, in OpenAI's form. */
class RefusalsTest {
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

  private static JsonNode error(HttpResponse<String> response, int status) {
    assertEquals(status, response.statusCode(), response.body());
    JsonNode error = JsonMapper.shared().readTree(response.body()).get("error");
    for (String field : List.of("message", "type", "param", "code")) {
      assertTrue(error.has(field), response.body());
    }
    return error;
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{\"prompt\": 5} | prompt | must be a string",
        "{\"prompt\": []} | prompt | must be a string",
        "{\"prompt\": [[]]} | prompt | is empty",
        "{\"prompt\": [1, \"a\"]} | prompt | prompt[1]",
        "{\"prompt\": [1, -2]} | prompt | prompt[1] is -2",
        "{\"prompt\": [1, 512]} | prompt | out of range",
        "{\"prompt\": [1e300]} | prompt | prompt[0]",
        "{} | prompt | missing",
        "{\"prompt\": \"a\", \"max_tokens\": 0} | max_tokens | at least 1",
        "{\"prompt\": \"a\", \"max_tokens\": \"5\"} | max_tokens | an integer",
        "{\"prompt\": \"a\", \"max_tokens\": 99999999999999999999} | max_tokens | an integer",
        "{\"prompt\": \"a\", \"n\": 129} | n | from 1 to 128",
        "{\"prompt\": \"a\", \"temperature\": -1} | temperature | from 0.0",
        "{\"prompt\": \"a\", \"temperature\": 1e999} | temperature | from 0.0",
        "{\"prompt\": \"a\", \"top_p\": 0} | top_p | from",
        "{\"prompt\": \"a\", \"logprobs\": 21} | logprobs | from 0 to 20",
        "{\"prompt\": \"a\", \"stop\": 1} | stop | a string or a list",
        "{\"prompt\": \"a\", \"stop\": [\"a\", 1]} | stop | a string or a list",
        "{\"prompt\": \"a\", \"stream\": \"yes\"} | stream | true or false",
        "{\"prompt\": \"a\", \"suffix\": \"b\"} | suffix | not supported",
        "{\"prompt\": \"a\", \"best_of\": 3} | best_of | only the value of n",
        "{\"prompt\": \"a\", \"logit_bias\": {\"a\": 1}} | logit_bias | token id",
        "{\"prompt\": \"a\", \"logit_bias\": {\"600\": 1}} | logit_bias | out of range",
        "{\"prompt\": \"a\", \"stream_options\": 3} | stream_options | must be an object",
        "{\"prompt\": \"a\", \"seed\": 1.5} | seed | an integer",
      })
  void theFieldAtFaultIsNamed(String body, String param, String says) throws Exception {
    JsonNode error = error(server.post(PATH, body), 400);
    assertEquals(param, error.get("param").asString());
    assertTrue(error.get("message").asString().contains(says), error.toString());
    assertEquals("invalid_request_error", error.get("type").asString());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "{\"messages\": []} | messages | at least one",
        "{\"messages\": [{\"role\": \"robot\", \"content\": \"a\"}]} | messages[0].role | robot",
        "{\"messages\": [{\"role\": \"user\"}]} | messages[0].content | missing",
        "{\"messages\": [{\"role\": \"user\", \"content\": [{\"type\": \"image_url\"}]}]} | messages[0].content[0].type | only text",
        "{\"messages\": [{\"role\": \"user\", \"content\": \"a\"}], \"tools\": [{}]} | tools | not supported",
        "{\"messages\": [{\"role\": \"user\", \"content\": \"a\"}], \"tool_choice\": \"auto\"} | tool_choice | not supported",
        "{\"messages\": [{\"role\": \"user\", \"content\": \"a\"}], \"function_call\": \"auto\"} | function_call | not supported",
        "{\"messages\": [{\"role\": \"user\", \"content\": \"a\"}], \"response_format\": {\"type\": \"xml\"}} | response_format.type | xml",
        "{\"messages\": [{\"role\": \"user\", \"content\": \"a\"}], \"top_logprobs\": 2} | top_logprobs | needs logprobs",
        "{\"messages\": [{\"role\": \"user\", \"content\": \"a\"}]} | messages | no chat template",
      })
  void chatsToo(String body, String param, String says) throws Exception {
    JsonNode error = error(server.post("/v1/chat/completions", body), 400);
    assertEquals(param, error.get("param").asString());
    assertTrue(error.get("message").asString().contains(says), error.toString());
  }

  @Test
  void whatIsNoJsonIsSaidToBeNone() throws Exception {
    for (String body :
        List.of("", "{", "[1]", "\"a\"", "{\"prompt\": \"a\"} x", "{'a': 1}", "nul")) {
      error(server.post(PATH, body), 400);
    }
    byte[] invalid = "{\"prompt\": \"\u00e4\"}".getBytes(StandardCharsets.ISO_8859_1);
    HttpResponse<String> response =
        server.send(
            server.request(PATH).POST(HttpRequest.BodyPublishers.ofByteArray(invalid)).build());
    assertTrue(error(response, 400).get("message").asString().contains("UTF-8"));
  }

  @Test
  void promptsBeyondTheContextAreTooLong() throws Exception {
    String body = "{\"prompt\": [" + "5,".repeat(511) + "5]}";
    JsonNode error = error(server.post(PATH, body), 400);
    assertEquals("context_length_exceeded", error.get("code").asString());
  }

  @Test
  void otherModelsAndPathsAreNotFound() throws Exception {
    JsonNode error = error(server.post(PATH, "{\"model\": \"gpt-7\", \"prompt\": \"a\"}"), 404);
    assertEquals("model_not_found", error.get("code").asString());
    error(server.get("/v1/nothing"), 404);
    error(server.get(PATH), 405);
  }

  @Test
  void unknownFieldsAreIgnoredWithALineInTheLog() throws Exception {
    server.answer(PATH, "{\"prompt\": \"a\", \"max_tokens\": 1, \"colour\\n\": 3}");
    assertTrue(
        server.log().contains(PATH + ": unknown fields are ignored: colour?"),
        server.log()::toString);
  }

  /**
   * Bytes of a good request changed at random: whatever comes of it, the server is not at fault.
   */
  @Test
  void damagedRequestsAreTheClientsFault() throws Exception {
    SplittableRandom random = new SplittableRandom(1);
    byte[] good =
        ("{\"prompt\": [\"Once\", \"Twice\"], \"max_tokens\": 2, \"temperature\": 0.5, \"stop\": [\"a\"],"
                + " \"logprobs\": 2, \"n\": 2, \"logit_bias\": {\"5\": 1}, \"seed\": 3}")
            .getBytes(StandardCharsets.UTF_8);
    for (int i = 0; i < 300; i++) {
      byte[] bad = good.clone();
      for (int flips = 1 + random.nextInt(3); flips > 0; flips--) {
        bad[random.nextInt(bad.length)] =
            (byte)
                (random.nextBoolean()
                    ? random.nextInt(256)
                    : " []{}\",:0123456789-e.".charAt(random.nextInt(21)));
      }
      HttpResponse<String> response =
          server.send(
              server.request(PATH).POST(HttpRequest.BodyPublishers.ofByteArray(bad)).build());
      int status = response.statusCode();
      assertTrue(
          status == 200 || status == 400 || status == 404,
          () ->
              status
                  + " for "
                  + new String(bad, StandardCharsets.ISO_8859_1)
                  + ": "
                  + response.body());
    }
    server.awaitRest();
  }
}
