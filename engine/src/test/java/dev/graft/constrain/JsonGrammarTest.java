package dev.graft.constrain;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.graft.checkpoint.InvalidInputException;
import dev.graft.peers.PeerPython;
import dev.graft.peers.Shared;
import dev.graft.sample.Sampler;
import dev.graft.sample.SamplingOptions;
import dev.graft.sample.TextWriter;
import dev.graft.text.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;

class JsonGrammarTest {
  private static final int MOST_TOKENS = 400;

  /** Random logits, those that lead to an end a little higher, so that texts end. */
  private static boolean ends(
      Tokenizer tokenizer, Constraint constraint, long seed, StringBuilder out) {
    SplittableRandom random = new SplittableRandom(seed);
    int end = tokenizer.eosId().orElseThrow();
    TextWriter writer =
        new TextWriter(
            new Sampler(new SamplingOptions(1, 0, 1, 0, 1, seed), new int[0]),
            tokenizer,
            Set.of(end),
            List.of(),
            constraint,
            out::append);
    for (int i = 0; i < MOST_TOKENS; i++) {
      float[] logits = new float[tokenizer.vocabSize() + 3];
      for (int v = 0; v < logits.length; v++) {
        logits[v] = (float) random.nextDouble() * 8;
      }
      logits[end] += 12;
      for (String closing : List.of("\"", "}", "]")) {
        int[] ids = tokenizer.encode(closing);
        logits[ids[ids.length - 1]] += 10;
      }
      if (writer.choose(logits).last()) {
        writer.finish();
        return true;
      }
    }
    return false;
  }

  private static void everythingIsValid(Path model, int trials) throws IOException {
    SplittableRandom random = new SplittableRandom(7);
    try (Tokenizer tokenizer = Tokenizer.open(model)) {
      Vocabulary vocabulary = Vocabulary.of(tokenizer, Set.of(tokenizer.eosId().orElseThrow()));
      int ended = 0;
      for (int trial = 0; trial < trials; trial++) {
        JsonNode schema = Schemas.random(random, 3);
        JsonGrammar grammar = JsonGrammar.ofSchema(schema);
        for (int seed = 0; seed < 3; seed++) {
          StringBuilder out = new StringBuilder();
          if (ends(tokenizer, new Constraint(grammar, vocabulary), 10L * trial + seed, out)) {
            ended++;
            JsonNode value;
            try {
              value = Schemas.parse(out.toString());
            } catch (JacksonException e) {
              throw new AssertionError(schema + "\n" + out, e);
            }
            assertTrue(Schemas.valid(schema, value), () -> schema + "\n" + out);
          }
        }
      }
      assertTrue(ended > trials * 2, ended + " of " + 3 * trials + " texts ended");
    }
  }

  @Test
  void sentencepieceTextsAreValid() throws IOException {
    everythingIsValid(Shared.path("models/stories260k"), 150);
  }

  @Test
  void byteLevelTextsAreValid() throws IOException {
    everythingIsValid(Shared.smollm2(), 25);
  }

  @Test
  void pythonsJsonschemaSaysSoToo() throws IOException {
    SplittableRandom random = new SplittableRandom(9);
    List<String> lines = new ArrayList<>();
    try (Tokenizer tokenizer = Tokenizer.open(Shared.path("models/stories260k"))) {
      Vocabulary vocabulary = Vocabulary.of(tokenizer, Set.of(tokenizer.eosId().orElseThrow()));
      while (lines.size() < 200) {
        JsonNode schema = Schemas.random(random, 3);
        StringBuilder out = new StringBuilder();
        // Python's \\s has four control characters more than ECMA-262's.
        if (!schema.toString().contains("[^")
            && ends(
                tokenizer,
                new Constraint(JsonGrammar.ofSchema(schema), vocabulary),
                random.nextLong(),
                out)) {
          ArrayNode line = JsonMapper.shared().createArrayNode();
          lines.add(line.add(schema).add(out.toString()).toString());
        }
      }
    }
    // Two that are not valid, so that the peer is seen to look.
    lines.add("[{\"type\":\"object\"},\"[]\"]");
    lines.add("[true,\"{\"]");
    Path file = Files.createTempFile("texts", ".jsonl");
    try {
      Files.write(file, lines);
      List<String> verdicts =
          PeerPython.run("scripts/peers/check_json.py", file.toString()).lines().toList();
      assertEquals(lines.size(), verdicts.size());
      for (int i = 0; i < lines.size(); i++) {
        String line = lines.get(i);
        assertEquals(i < 200, verdicts.get(i).equals("valid"), verdicts.get(i) + ": " + line);
      }
    } finally {
      Files.delete(file);
    }
  }

  @Test
  void anyObjectIsAnObjectOfAnything() {
    JsonGrammar any = JsonGrammar.anyObject();
    for (String text :
        List.of("{}", "{\"a\": [1, -2.5e+3, {\"\":null}],\"é\":true}", "{\"a\\n\":\"\\u001f漢\"}")) {
      assertTrue(any.has(text), text);
    }
    for (String text :
        List.of(
            "",
            "[]",
            "1",
            " {}",
            "{} ",
            "{\"a\":1,}",
            "{\"a\":  1}",
            "{\"a\":01}",
            "{\"a\":\"\n\"}")) {
      assertFalse(any.has(text), text);
    }
  }

  @Test
  void everySupportedKeywordIsTakenAndDocumented() throws IOException {
    assertEquals(35, JsonGrammar.supportedKeywords().size());
    String page = Files.readString(Path.of("../docs/constrained-decoding.md"));
    for (String keyword : JsonGrammar.supportedKeywords()) {
      String message = "";
      try {
        compile("{\"" + keyword + "\":{}}");
      } catch (InvalidInputException e) {
        message = e.getMessage();
      }
      assertFalse(message.contains("is not supported;"), message);
      assertTrue(page.contains("`" + keyword + "`"), keyword);
    }
  }

  @Test
  void schemasThatAreTooLargeAreRefused() {
    refused("{\"title\":\"" + "x".repeat(100_001) + "\"}", "100000 that are supported");
    refused("{\"items\":".repeat(101) + "{}" + "}".repeat(101), "nested deeper than 100");
    StringBuilder names = new StringBuilder();
    for (int i = 0; i < 1001; i++) {
      names.append(i == 0 ? "" : ",").append("\"p").append(i).append("\":true");
    }
    refused("{\"properties\":{" + names + "}}", "'properties' at #/properties", "more than 1000");
    // A thousand values are no more alternatives than the characters they differ in.
    StringBuilder values = new StringBuilder();
    for (int i = 0; i < 9000; i++) {
      values.append(i == 0 ? "" : ",").append("\"v").append(i).append("\"");
    }
    JsonGrammar many = compile("{\"enum\":[" + values + "]}");
    assertTrue(many.has("\"v8999\"") && !many.has("\"v9000\""));
  }

  private static JsonGrammar compile(String schema) {
    return JsonGrammar.ofSchema(Schemas.parse(schema));
  }

  private static void agrees(String schema, String... texts) {
    JsonGrammar constraint = compile(schema);
    for (String text : texts) {
      boolean valid = Schemas.valid(Schemas.parse(schema), Schemas.parse(text));
      assertEquals(valid, constraint.has(text), schema + " " + text);
    }
  }

  @Test
  void theValidatorsAnswerIsTheAutomatons() {
    String[] values = {
      "null",
      "true",
      "0",
      "-1",
      "7",
      "99",
      "100",
      "1.5",
      "\"\"",
      "\"a\"",
      "\"é漢\"",
      "\"\\n\\u001b\"",
      "[]",
      "[1]",
      "[1,\"a\"]",
      "[1, 2, 3]",
      "{}",
      "{\"a\":1}",
      "{\"a\":1,\"b\":\"x\"}",
      "{\"b\":\"x\"}",
      "{\"a\":\"x\"}",
      "{\"a\":1,\"c\":null}",
      "[[[]]]",
      "\"2024-02-29\"",
      "\"2023-02-29\"",
      "\"ab\""
    };
    for (String schema :
        List.of(
            "true",
            "{}",
            "{\"type\":\"string\",\"minLength\":1,\"maxLength\":2}",
            "{\"type\":[\"integer\",\"null\"],\"minimum\":-1,\"exclusiveMaximum\":100}",
            "{\"type\":\"number\"}",
            "{\"type\":\"array\",\"items\":{\"type\":\"integer\"},\"minItems\":1,\"maxItems\":2}",
            "{\"type\":\"array\",\"prefixItems\":[{\"type\":\"integer\"}],\"items\":{\"type\":\"string\"}}",
            "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"integer\"},\"b\":{\"type\":\"string\"}},"
                + "\"required\":[\"a\"],\"additionalProperties\":{\"type\":\"null\"}}",
            "{\"type\":\"object\",\"properties\":{\"a\":{\"type\":\"integer\"},\"b\":true},"
                + "\"additionalProperties\":false}",
            "{\"oneOf\":[{\"type\":\"string\",\"pattern\":\"^a\"},{\"type\":\"integer\"}]}",
            "{\"type\":\"string\",\"format\":\"date\"}",
            "{\"enum\":[\"a\",7,null,[1]]}",
            "{\"const\":{\"a\":1}}")) {
      agrees(schema, values);
    }
  }

  @Test
  void integersBetweenBounds() {
    SplittableRandom random = new SplittableRandom(3);
    for (int trial = 0; trial < 60; trial++) {
      int low = random.nextInt(-1200, 1200);
      int high = low + random.nextInt(1500);
      JsonGrammar constraint =
          compile("{\"type\":\"integer\",\"minimum\":" + low + ",\"maximum\":" + high + "}");
      for (int value = -1300; value < 2800; value += 1 + random.nextInt(7)) {
        assertEquals(low <= value && value <= high, constraint.has("" + value), low + " " + value);
      }
      assertTrue(constraint.has("" + low) && constraint.has("" + high));
    }
  }

  @Test
  void recursionIsKeptAndBounded() {
    JsonGrammar tree =
        compile(
            "{\"$defs\":{\"n\":{\"type\":\"object\",\"properties\":{\"v\":{\"type\":\"integer\"},"
                + "\"next\":{\"anyOf\":[{\"$ref\":\"#/$defs/n\"},{\"type\":\"null\"}]}},"
                + "\"required\":[\"v\",\"next\"],\"additionalProperties\":false}},\"$ref\":\"#/$defs/n\"}");
    assertTrue(tree.has("{\"v\":1,\"next\":{\"v\":2,\"next\":null}}"));
    assertFalse(tree.has("{\"v\":1,\"next\":{\"v\":2}}"));
    assertTrue(tree.has("{\"v\":1,\"next\":".repeat(32) + "null" + "}".repeat(32)));
    assertFalse(tree.has("{\"v\":1,\"next\":".repeat(33) + "null" + "}".repeat(33)));
    JsonGrammar any = compile("{\"type\":\"array\"}");
    assertTrue(any.has("[".repeat(33) + "]".repeat(33)));
    assertFalse(any.has("[".repeat(34) + "]".repeat(34)));
  }

  private static void refused(String schema, String... words) {
    String message = assertThrows(InvalidInputException.class, () -> compile(schema)).getMessage();
    for (String word : words) {
      assertTrue(message.contains(word), message);
    }
  }

  @Test
  void whatIsNotKeptIsRefusedByName() {
    for (String keyword :
        List.of(
            "not",
            "if",
            "patternProperties",
            "uniqueItems",
            "multipleOf",
            "contains",
            "minProperties",
            "propertyNames",
            "dependentRequired",
            "$dynamicRef",
            "nullable")) {
      refused(
          "{\"properties\":{\"a/b\":{\"" + keyword + "\":{}}}}",
          "'" + keyword + "' at #/properties/a~1b/" + keyword);
    }
    refused("{\"type\":\"number\",\"minimum\":1}", "'minimum'", "integer only");
    refused("{\"type\":\"string\",\"format\":\"regex\"}", "'format'", "'regex'");
    refused("{\"oneOf\":[{\"type\":\"number\"},{\"type\":\"integer\"}]}", "'oneOf'", "anyOf");
    refused("{\"$ref\":\"http://x/y\"}", "'$ref'", "within the schema");
    refused("{\"$ref\":\"#/nowhere\"}", "there is no schema");
    refused("{\"$ref\":\"#\"}", "no JSON is valid");
    refused(
        "{\"type\":\"object\",\"properties\":{\"a\":{\"$ref\":\"#\"}},\"required\":[\"a\"]}",
        "no JSON");
    refused("{\"type\":\"strin\"}", "'type'");
    refused("{\"type\":\"integer\",\"minimum\":3,\"maximum\":2}", "no JSON is valid");
    for (String pattern :
        List.of(
            "(?=a)", "\\\\1", "\\\\bword", "a**", "(^a)", "[z-a]", "a{2000}", "[a", "\\\\p{L}")) {
      refused(
          "{\"type\":\"string\",\"pattern\":\"" + pattern + "\"}", "the pattern '", "at #/pattern");
    }
    assertTrue(
        compile(
                "{\"oneOf\":[{\"type\":\"object\",\"properties\":{\"k\":{\"const\":1}},\"required\":[\"k\"]},"
                    + "{\"type\":\"object\",\"properties\":{\"k\":{\"const\":2}},\"required\":[\"k\"]}]}")
            .has("{\"k\":2}"));
  }
}
