package dev.graft.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.graft.peers.Shared;
import dev.graft.schedule.SchedulerOptions;
import java.net.http.HttpResponse;
import java.util.List;
import java.util.function.UnaryOperator;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Chats whose answers must be JSON, on a real model that would rather write prose. */
class StructuredOutputTest {
  private static final String PATH = "/v1/chat/completions";
  private static final String SCHEMA =
      """
      {"type": "object", "additionalProperties": false, "required": ["city", "people", "tags"],
       "properties": {
         "city": {"enum": ["Paris", "Berlin", "Rome"]},
         "people": {"type": "integer"},
         "tags": {"type": "array", "minItems": 1, "maxItems": 2,
                  "items": {"type": "string", "maxLength": 12}}}}
      """;
  private static TestServer server;

  @BeforeAll
  static void start() throws Exception {
    server =
        new TestServer(
            Shared.smollm2(), 64, SchedulerOptions.standard(), 64, UnaryOperator.identity());
  }

  @AfterAll
  static void stop() {
    if (server != null) {
      server.close();
    }
  }

  private static String body(String format, String more) {
    return "{\"messages\": [{\"role\": \"user\", \"content\": \"Tell me of Paris.\"}],"
        + " \"response_format\": "
        + format
        + more
        + "}";
  }

  private static String schema(String schema) {
    return "{\"type\": \"json_schema\", \"json_schema\": {\"name\": \"a\", \"schema\": "
        + schema
        + "}}";
  }

  private static void check(String text) {
    JsonNode json = JsonMapper.shared().readTree(text);
    assertEquals(List.of("city", "people", "tags"), List.copyOf(json.propertyNames()), text);
    assertTrue(List.of("Paris", "Berlin", "Rome").contains(json.get("city").asString()), text);
    assertTrue(json.get("people").isIntegralNumber(), text);
    assertTrue(json.get("tags").size() >= 1 && json.get("tags").size() <= 2, text);
    json.get("tags").forEach(tag -> assertTrue(tag.asString().length() <= 12, text));
  }

  @Test
  void answersAreWhatTheSchemaSays() throws Exception {
    String more = ", \"n\": 4, \"seed\": 1, \"max_tokens\": 200";
    JsonNode answer = server.answer(PATH, body(schema(SCHEMA), more));
    for (JsonNode choice : answer.get("choices")) {
      assertEquals("stop", choice.get("finish_reason").asString(), choice.toString());
      check(choice.get("message").get("content").asString());
    }
  }

  @Test
  void streamsToo() throws Exception {
    String text =
        server.events(PATH, body(schema(SCHEMA), ", \"stream\": true, \"temperature\": 0")).stream()
            .map(event -> event.get("choices").get(0).get("delta").path("content").asString(""))
            .collect(Collectors.joining());
    check(text);
  }

  @Test
  void anyObjectIsOne() throws Exception {
    String text =
        server
            .answer(
                PATH,
                body(
                    "{\"type\": \"json_object\"}",
                    ", \"temperature\": 0, \"max_tokens\": 300, \"repetition_penalty\": 1.2"))
            .get("choices")
            .get(0)
            .get("message")
            .get("content")
            .asString();
    assertTrue(text.startsWith("{"), text);
  }

  @Test
  void aKeywordThatIsNotSupportedIsNamed() throws Exception {
    HttpResponse<String> response =
        server.post(PATH, body(schema("{\"type\": \"object\", \"dependentSchemas\": {}}"), ""));
    assertEquals(400, response.statusCode());
    assertTrue(response.body().contains("dependentSchemas"), response.body());
    assertTrue(response.body().contains("response_format.json_schema.schema"), response.body());
  }
}
