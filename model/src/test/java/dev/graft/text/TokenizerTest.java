package dev.graft.text;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.graft.checkpoint.InvalidInputException;
import dev.graft.checkpoint.Models;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.OptionalInt;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class TokenizerTest {
  @TempDir Path folder;

  private static void golden(Path model, String name) throws IOException {
    JsonNode cases =
        JsonMapper.shared()
            .readTree(Files.readString(Models.shared("golden/" + name + "/golden.json")))
            .path("tokenizer_cases");
    assertTrue(cases.size() >= 6);
    try (Tokenizer tokenizer = Tokenizer.open(model)) {
      for (JsonNode one : cases) {
        String text = one.get("text").asString();
        int[] ids =
            IntStream.range(0, one.get("ids").size())
                .map(i -> one.get("ids").get(i).intValue())
                .toArray();
        assertArrayEquals(ids, tokenizer.encodeWithSpecials(text), text);
        assertEquals(one.get("decoded").asString(), tokenizer.decode(ids, false));
        int[] bare = tokenizer.encode(text);
        int most = tokenizer.longestToken().orElse(Integer.MAX_VALUE);
        assertTrue((long) bare.length * most >= text.length(), text);
        assertArrayEquals(
            Arrays.copyOfRange(ids, ids.length - bare.length, ids.length), bare, text);
      }
    }
  }

  @Test
  void storiesTokenizerIsGolden() throws IOException {
    Path model = Models.shared("models/stories260k");
    golden(model, "stories260k");
    try (Tokenizer tokenizer = Tokenizer.open(model)) {
      assertEquals(512, tokenizer.vocabSize());
      assertEquals(OptionalInt.of(1), tokenizer.bosId());
      assertEquals(OptionalInt.of(2), tokenizer.eosId());
      assertTrue(tokenizer.longestToken().orElseThrow() < 64);
      assertEquals("Hello world", tokenizer.decode(tokenizer.encode("Hello world")).strip());
      assertEquals(1, tokenizer.encodeWithSpecials("x")[0]);
      assertTrue(tokenizer.encode("x")[0] != 1);
    }
  }

  @Test
  void smollm2TokenizerIsGolden() throws IOException {
    Path model = Models.smollm2();
    golden(model, "smollm2");
    try (Tokenizer tokenizer = Tokenizer.open(model)) {
      assertEquals(49152, tokenizer.vocabSize());
      assertEquals(OptionalInt.of(1), tokenizer.bosId());
      assertEquals(OptionalInt.of(2), tokenizer.eosId());
    }
  }

  @Test
  void textsLongerThanAnyContextAreNotCut() throws IOException {
    try (Tokenizer tokenizer = Tokenizer.open(TinyTokenizer.write(folder, true))) {
      assertEquals(100_001, tokenizer.encodeWithSpecials("x".repeat(100_000)).length);
    }
  }

  @Test
  void startsCountCodePoints() throws IOException {
    try (Tokenizer tokenizer = Tokenizer.open(TinyTokenizer.write(folder, false))) {
      Tokenizer.Spans spans = tokenizer.encodeWithSpans("🙂é<|im_end|>x");
      assertArrayEquals(new int[] {0, 0, 0, 0, 1, 1, 2, 12}, spans.starts());
      assertEquals(TinyTokenizer.END, spans.ids()[6]);
    }
  }

  @Test
  void severalThreadsShareOne() throws IOException {
    try (Tokenizer tokenizer = Tokenizer.open(TinyTokenizer.write(folder, true))) {
      List<String> texts =
          IntStream.range(0, 2000).mapToObj(i -> "text " + i + " 🙂".repeat(i % 7)).toList();
      List<int[]> alone = texts.stream().map(tokenizer::encodeWithSpecials).toList();
      List<int[]> together = texts.parallelStream().map(tokenizer::encodeWithSpecials).toList();
      for (int i = 0; i < texts.size(); i++) {
        assertArrayEquals(alone.get(i), together.get(i));
        assertEquals(texts.get(i), tokenizer.decode(alone.get(i)));
      }
    }
  }

  @Test
  void specialTokensComeFromTheModelsConfigurationToo() throws IOException {
    TinyTokenizer.write(folder, false);
    Files.writeString(folder.resolve("tokenizer_config.json"), "{}");
    Files.writeString(folder.resolve("config.json"), "{\"bos_token_id\": 7, \"eos_token_id\": 8}");
    Files.writeString(folder.resolve("generation_config.json"), "{\"eos_token_id\": [9, 10]}");
    try (Tokenizer tokenizer = Tokenizer.open(folder)) {
      assertEquals(OptionalInt.of(7), tokenizer.bosId());
      assertEquals(OptionalInt.of(9), tokenizer.eosId());
    }
    Files.delete(folder.resolve("config.json"));
    Files.delete(folder.resolve("generation_config.json"));
    try (Tokenizer tokenizer = Tokenizer.open(folder)) {
      assertEquals(OptionalInt.empty(), tokenizer.bosId());
      assertEquals(OptionalInt.empty(), tokenizer.eosId());
    }
  }

  @Test
  void absentAndDamagedTokenizersAreNamed() throws IOException {
    Path absent = folder.resolve("absent");
    assertTrue(
        assertThrows(InvalidInputException.class, () -> Tokenizer.open(absent))
            .getMessage()
            .contains(absent + ": there is no tokenizer.json"));
    Path file = folder.resolve("tokenizer.json");
    for (String damaged : List.of("{\"version\": \"1.0\"", "{\"version\": \"1.0\"}", "")) {
      Files.writeString(file, damaged);
      String message =
          assertThrows(InvalidInputException.class, () -> Tokenizer.open(folder)).getMessage();
      assertTrue(message.startsWith(file + ": the tokenizer cannot be read"), message);
    }
  }
}
