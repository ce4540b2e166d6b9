package dev.graft.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class GenerateCommandTest {
  private static Path stories() {
    return Shared.path("models/stories260k");
  }

  @ParameterizedTest
  @ValueSource(strings = {"1", "3"})
  void goesOnAsTheReferenceDoes(String ranks) throws IOException {
    Path golden = Shared.path("golden/stories260k/golden.json");
    for (JsonNode example : JsonMapper.shared().readTree(Files.readString(golden)).get("cases")) {
      String prompt = example.get("prompt").asString();
      Captured run =
          Captured.run(
              "generate",
              stories().toString(),
              "--prompt",
              prompt,
              "--max-tokens",
              "32",
              "--temperature",
              "0",
              "--tp",
              ranks);
      assertEquals(0, run.code(), run.err());
      assertEquals(example.get("greedy_32_text").asString(), run.out().stripTrailing());
      assertTrue(run.err().contains("[32 tokens, "), run.err());
    }
  }

  @Test
  void jsonHasTheTextAndTheCounts() throws IOException {
    Captured run =
        Captured.run(
            "generate",
            stories().toString(),
            "--prompt",
            "Once upon a time",
            "--temperature",
            "0",
            "--stop",
            " girl",
            "--json");
    assertEquals(0, run.code(), run.err());
    JsonNode facts = JsonMapper.shared().readTree(run.out());
    assertEquals(", there was a little", facts.get("text").asString());
    assertEquals("stop", facts.get("finish_reason").asString());
    assertEquals(5, facts.get("prompt_tokens").asInt());
    assertTrue(facts.get("tokens_per_second").asDouble() > 0);
  }

  @Test
  void oneSeedOneText() {
    String[] texts = new String[3];
    for (int i = 0; i < 3; i++) {
      Captured run =
          Captured.run(
              "generate",
              stories().toString(),
              "--prompt",
              "Once",
              "--max-tokens",
              "40",
              "--temperature",
              "1",
              "--seed",
              i == 2 ? "6" : "5");
      assertEquals(0, run.code(), run.err());
      texts[i] = run.out();
    }
    assertEquals(texts[0], texts[1]);
    assertTrue(!texts[0].equals(texts[2]));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "--temperature -1          | temperature is -1.0; it must be at least 0",
        "--top-p 0                 | top_p is 0.0; it must be above 0 and at most 1",
        "--max-tokens 0            | max_tokens is 0; it must be at least 1",
        "--max-context 3           | but the context is 3 tokens",
        "--max-context 0           | --max-context is 0; it must be at least 2",
        "--threads 0               | --threads is 0; it must be at least 1",
        "--tp 9                    | --tp 9 is more ranks than the 8 query heads",
        "--tp 0                    | --tp is 0; it must be at least 1",
        "--tp two                  | is not an int",
        "--tp 3 --shares 5,3       | --shares 5,3 names 2 ranks, but --tp is 3",
        "--shares 5,0,1            | --shares 5,0,1 has the share 0; give whole numbers from 1",
        "--shares 5,-3,1           | --shares 5,-3,1 has the share -3; give whole numbers from 1",
        "--shares 5,three,1        | --shares 5,three,1 has the share 'three'; give whole numbers",
        "--shares 1,1,1,1,1,1,1,1,1 | is more ranks than the 8 query heads",
        "--tp 2 --launch anywhere  | expected one of [threads, processes, hosts]",
        "--tp 2 --launch hosts     | needs --master HOST:PORT",
        "--tp 2 --rank-timeout 0   | --rank-timeout is 0; give at least 1 second",
        "--seed x                  | is not a long",
      })
  void whatCannotBeUsedIsOneSentence(String options, String says) {
    List<String> args =
        new ArrayList<>(List.of("generate", stories().toString(), "--prompt", "Once upon a time"));
    args.addAll(List.of(options.strip().split(" ")));
    Captured run = Captured.run(args.toArray(String[]::new));
    assertEquals(2, run.code(), run.err());
    assertEquals("", run.out());
    assertTrue(run.err().contains(says.strip()), run.err());
    assertEquals(1, run.err().strip().lines().count(), run.err());
  }

  @Test
  void aCacheThatDoesNotFitSaysWhichContextWould(@TempDir Path folder) throws IOException {
    try (Stream<Path> files = Files.list(stories())) {
      for (Path file : files.toList()) {
        Files.createSymbolicLink(folder.resolve(file.getFileName()), file.toAbsolutePath());
      }
    }
    Path config = folder.resolve("config.json");
    String text = Files.readString(config);
    Files.delete(config);
    Files.writeString(
        config, text.replaceAll("(\"max_position_embeddings\": *)\\d+", "$1 2000000000"));
    Captured run =
        Captured.run(
            "generate", folder.toString(), "--prompt", "Once", "--max-context", "2000000000");
    assertEquals(2, run.code(), run.err());
    assertTrue(
        run.err()
            .matches(
                "(?s).*a context of 2,000,000,000 tokens needs a key/value cache of [0-9,]+ MB, but [0-9,]+ MB"
                    + " are free for it; give --max-context \\d+, .*"),
        run.err());
  }
}
