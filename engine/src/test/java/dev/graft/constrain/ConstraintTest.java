package dev.graft.constrain;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.graft.checkpoint.InvalidInputException;
import dev.graft.peers.Shared;
import dev.graft.text.Tokenizer;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;

class ConstraintTest {
  private static final int MOST_TOKENS = 120;

  /** Which tokens are allowed, each tried by its bytes from the beginning of the text. */
  private static boolean allowedByItself(
      JsonGrammar grammar, Tokenizer tokenizer, int end, byte[] text, int token) {
    Automaton automaton = grammar.automaton();
    Automaton.State state = automaton.start();
    for (byte b : text) {
      state = automaton.step(state, b & 0xFF);
    }
    Optional<byte[]> bytes = tokenizer.tokenBytes(token);
    if (token == end) {
      return state.complete();
    }
    if (bytes.isEmpty()) {
      return false;
    }
    for (byte b : bytes.get()) {
      state = automaton.step(state, b & 0xFF);
    }
    return !state.dead();
  }

  private static void maskIsWhatEachTokenSays(Path model, int texts, int every) throws IOException {
    SplittableRandom random = new SplittableRandom(11);
    try (Tokenizer tokenizer = Tokenizer.open(model)) {
      int end = tokenizer.eosId().orElseThrow();
      Vocabulary vocabulary = Vocabulary.of(tokenizer, Set.of(end));
      int compared = 0;
      for (int t = 0; t < texts; t++) {
        JsonNode schema = Schemas.random(random, 3);
        JsonGrammar grammar = JsonGrammar.ofSchema(schema);
        // Of another grammar, so that the twin meets none of the states and masks kept.
        JsonGrammar twin = JsonGrammar.ofSchema(schema);
        Constraint constraint = new Constraint(grammar, vocabulary);
        ByteArrayOutputStream text = new ByteArrayOutputStream();
        for (int i = 0; i < MOST_TOKENS; i++) {
          float[] logits = new float[tokenizer.vocabSize() + 2];
          constraint.mask(logits);
          List<Integer> allowed = new ArrayList<>();
          for (int v = 0; v < logits.length; v++) {
            if (logits[v] == 0) {
              allowed.add(v);
            }
          }
          if (i % every == 0) {
            for (int v = 0; v < tokenizer.vocabSize(); v++) {
              int token = v;
              assertEquals(
                  allowedByItself(twin, tokenizer, end, text.toByteArray(), v),
                  logits[v] == 0,
                  () -> schema + "\n" + text.toString(StandardCharsets.UTF_8) + "\n" + token);
            }
            assertTrue(allowed.getLast() < tokenizer.vocabSize());
            compared++;
          }
          assertEquals(logits[end] == 0, constraint.complete());
          if (constraint.complete()) {
            String soFar = text.toString(StandardCharsets.UTF_8);
            assertTrue(Schemas.valid(schema, Schemas.parse(soFar)), () -> schema + "\n" + soFar);
          }
          if (constraint.exhausted()) {
            break;
          }
          int token = allowed.get(random.nextInt(allowed.size()));
          constraint.accept(token);
          if (token == end) {
            break;
          }
          text.writeBytes(tokenizer.tokenBytes(token).orElseThrow());
        }
      }
      assertTrue(compared >= texts);
    }
  }

  @Test
  void maskIsWhatEachTokenSaysOfSentencepiece() throws IOException {
    maskIsWhatEachTokenSays(Shared.path("models/stories260k"), 60, 1);
  }

  @Test
  void maskIsWhatEachTokenSaysOfByteLevel() throws IOException {
    maskIsWhatEachTokenSays(Shared.smollm2(), 12, 40);
  }

  /** Any of the tokens that the rest of a text begins with, characters cut apart too. */
  private static int anyToken(
      SplittableRandom random, byte[] text, int at, Tokenizer tokenizer, int[][] byFirst) {
    List<Integer> fitting = new ArrayList<>();
    for (int id : byFirst[text[at] & 0xFF]) {
      byte[] bytes = tokenizer.tokenBytes(id).orElseThrow();
      if (at + bytes.length <= text.length
          && Arrays.equals(bytes, 0, bytes.length, text, at, at + bytes.length)) {
        fitting.add(id);
      }
    }
    return fitting.get(random.nextInt(fitting.size()));
  }

  private static int[][] byFirstByte(Tokenizer tokenizer) {
    List<List<Integer>> ids = new ArrayList<>();
    for (int b = 0; b < 256; b++) {
      ids.add(new ArrayList<>());
    }
    for (int id = 0; id < tokenizer.vocabSize(); id++) {
      int token = id;
      tokenizer.tokenBytes(id).ifPresent(bytes -> ids.get(bytes[0] & 0xFF).add(token));
    }
    return ids.stream()
        .map(list -> list.stream().mapToInt(Integer::intValue).toArray())
        .toArray(int[][]::new);
  }

  private static void instancesAreAllowed(Path model, int trials, boolean encode)
      throws IOException {
    SplittableRandom random = new SplittableRandom(5);
    try (Tokenizer tokenizer = Tokenizer.open(model)) {
      int end = tokenizer.eosId().orElseThrow();
      Vocabulary vocabulary = Vocabulary.of(tokenizer, Set.of(end));
      int[][] byFirst = byFirstByte(tokenizer);
      for (int trial = 0; trial < trials; trial++) {
        JsonNode schema = Schemas.random(random, 3);
        JsonGrammar grammar = JsonGrammar.ofSchema(schema);
        String text = Instances.text(Instances.of(schema, random), random);
        assertTrue(Schemas.valid(schema, Schemas.parse(text)), () -> schema + "\n" + text);
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        List<Integer> ids = new ArrayList<>();
        if (encode) {
          Arrays.stream(tokenizer.encode(text)).forEach(ids::add);
        } else {
          for (int at = 0; at < bytes.length; ) {
            int id = anyToken(random, bytes, at, tokenizer, byFirst);
            ids.add(id);
            at += tokenizer.tokenBytes(id).orElseThrow().length;
          }
        }
        Constraint constraint = new Constraint(grammar, vocabulary);
        for (int id : ids) {
          float[] logits = new float[tokenizer.vocabSize()];
          constraint.mask(logits);
          assertEquals(0, logits[id], () -> schema + "\n" + text + "\n" + id);
          constraint.accept(id);
        }
        assertTrue(constraint.complete(), () -> schema + "\n" + text);
      }
    }
  }

  @Test
  void validTextsAreAllowedInTheTokensOfTheirEncoding() throws IOException {
    instancesAreAllowed(Shared.smollm2(), 40, true);
  }

  @Test
  void validTextsAreAllowedInAnyTokensOfByteLevel() throws IOException {
    instancesAreAllowed(Shared.smollm2(), 30, false);
  }

  @Test
  void validTextsAreAllowedInAnyTokensOfSentencepiece() throws IOException {
    instancesAreAllowed(Shared.path("models/stories260k"), 300, false);
  }

  @Test
  void charactersMayBeCutApartButNotBroken() {
    Vocabulary vocabulary = Vocabulary.of(256, id -> Optional.of(new byte[] {(byte) id}), Set.of());
    Constraint constraint =
        new Constraint(JsonGrammar.ofSchema(Schemas.parse("{\"type\":\"string\"}")), vocabulary);
    constraint.accept('"');
    constraint.accept(0xE6);
    float[] logits = new float[256];
    constraint.mask(logits);
    for (int b = 0; b < 256; b++) {
      assertEquals(b >= 0x80 && b <= 0xBF, logits[b] == 0, "" + b);
    }
    constraint.accept(0xBC);
    constraint.accept(0xA2);
    constraint.accept('"');
    assertTrue(constraint.exhausted());
    for (int broken : new int[] {0x80, 0xC0, 0xC1, 0xF5, 0xFF}) {
      Constraint other =
          new Constraint(JsonGrammar.ofSchema(Schemas.parse("{\"type\":\"string\"}")), vocabulary);
      other.accept('"');
      assertThrows(IllegalArgumentException.class, () -> other.accept(broken));
    }
  }

  @Test
  void tokensBeyondTheGrammarAreRefused() {
    Constraint state =
        new Constraint(
            JsonGrammar.ofSchema(Schemas.parse("{\"const\":\"a\"}")), Vocabularies.bytes());
    assertThrows(IllegalArgumentException.class, () -> state.accept('x'));
    for (char c : "\"a\"".toCharArray()) {
      assertFalse(state.complete());
      state.accept(c);
    }
    assertTrue(state.complete() && state.exhausted());
    Constraint letters =
        new Constraint(
            JsonGrammar.ofSchema(Schemas.parse("{\"const\":\"é\"}")), Vocabularies.bytes());
    float[] logits = new float[10]; // without the quote
    assertThrows(InvalidInputException.class, () -> letters.mask(logits));
  }

  @Test
  void oneGrammarServesSeveralVocabularies() {
    JsonGrammar grammar = JsonGrammar.ofSchema(Schemas.parse("{\"type\":\"boolean\"}"));
    float[] letters = new float[128];
    new Constraint(grammar, Vocabularies.bytes()).mask(letters);
    assertTrue(letters['t'] == 0 && letters['f'] == 0 && letters['n'] != 0);
    Vocabulary words =
        Vocabulary.of(
            2,
            id -> Optional.of((id == 0 ? "true" : "nil").getBytes(StandardCharsets.US_ASCII)),
            Set.of());
    float[] two = new float[2];
    new Constraint(grammar, words).mask(two);
    assertTrue(two[0] == 0 && two[1] != 0);
  }
}
