package dev.graft.constrain;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.graft.checkpoint.InvalidInputException;
import dev.graft.peers.Shared;
import dev.graft.sample.Sampler;
import dev.graft.sample.SamplingOptions;
import dev.graft.sample.TextWriter;
import dev.graft.text.Tokenizer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

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
