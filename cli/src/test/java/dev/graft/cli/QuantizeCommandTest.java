package dev.graft.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.graft.peers.PeerPython;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class QuantizeCommandTest {
  @TempDir private Path directory;

  /** Perplexity, KL and the most likely tokens, compared with transformers' on the same text. */
  @ParameterizedTest
  @CsvSource({"tensor", "channel"})
  void theCostOnATextIsThatOfTransformers(String granularity) throws IOException {
    Path model = Shared.path("models/stories260k");
    Path text = text(12_000);
    Path out = directory.resolve("out");
    Captured run =
        Captured.run(
            "quantize",
            model.toString(),
            out.toString(),
            "--scheme",
            "fp8",
            "--granularity",
            granularity,
            "--lm-head",
            "--text",
            text.toString(),
            "--context",
            "128",
            "--json");
    assertEquals(0, run.code(), run.err());
    JsonNode ours = JsonMapper.shared().readTree(run.out()).get("text");
    JsonNode theirs =
        JsonMapper.shared()
            .readTree(
                PeerPython.run(
                    "scripts/peers/quantization_cost.py",
                    model.toString(),
                    out.toString(),
                    text.toString(),
                    "128"));
    assertEquals(theirs.get("tokens").asLong(), ours.get("tokens").asLong());
    assertTrue(ours.get("tokens").asLong() > 1000);
    for (String figure : List.of("perplexity_before", "perplexity_after", "kl")) {
      double expected = theirs.get(figure).asDouble();
      assertTrue(expected > 1e-4, figure);
      assertEquals(expected, ours.get(figure).asDouble(), expected * 5e-4, figure);
    }
    assertEquals(theirs.get("same_token").asDouble(), ours.get("same_token").asDouble(), 2e-3);
  }

  @Test
  void printsALineForEachKindAndOneForTheText() throws IOException {
    String model = Shared.path("models/stories260k").toString();
    Path out = directory.resolve("out");
    Captured run =
        Captured.run(
            "quantize", model, out.toString(), "--scheme", "q8", "--text", text(8_000).toString());
    assertEquals(0, run.code(), run.err());
    for (String kind : List.of("q_proj", "o_proj", "down_proj", "all")) {
      assertTrue(run.out().lines().anyMatch(line -> line.startsWith(kind + " ")), run.out());
    }
    assertFalse(run.out().contains("lm_head"), run.out());
    assertTrue(run.out().contains("wrote " + out), run.out());
    assertTrue(run.out().contains("perplexity "), run.out());
    Captured every =
        Captured.run(
            "quantize",
            model,
            directory.resolve("b").toString(),
            "--scheme",
            "fp8",
            "--granularity",
            "block",
            "--verbose");
    assertTrue(every.out().contains("model.layers.4.mlp.up_proj.weight"), every.out());
    assertTrue(every.err().contains("transformers refuses them"), every.err());
  }

  @Test
  void mistakesExitWithTwoAndWriteNothing() throws IOException {
    String model = Shared.path("models/stories260k").toString();
    Path out = directory.resolve("out");
    refused("--scheme is 'int3'", model, out.toString(), "--scheme", "int3");
    refused(
        "--granularity is 'row'", model, out.toString(), "--scheme", "fp8", "--granularity", "row");
    refused(
        "--context is 4096, but max_position_embeddings",
        model,
        out.toString(),
        "--scheme",
        "q8",
        "--text",
        text(8_000).toString(),
        "--context",
        "4096");
    refused(
        "less than one window",
        model,
        out.toString(),
        "--scheme",
        "q8",
        "--text",
        text(20).toString());
    refused(
        "none.txt",
        model,
        out.toString(),
        "--scheme",
        "q8",
        "--text",
        directory.resolve("none.txt").toString());
    assertFalse(Files.exists(out));
  }

  private static void refused(String expected, String... arguments) {
    String[] all = new String[arguments.length + 1];
    all[0] = "quantize";
    System.arraycopy(arguments, 0, all, 1, arguments.length);
    Captured run = Captured.run(all);
    assertEquals(2, run.code(), run.out() + run.err());
    assertTrue(run.err().contains(expected), run.err());
  }

  private Path text(int characters) throws IOException {
    Path stories = Shared.path("data/text/tinystories-valid.txt");
    byte[] start = new byte[characters];
    try (var in = Files.newInputStream(stories)) {
      assertEquals(characters, in.readNBytes(start, 0, characters));
    }
    Path file = directory.resolve("text" + characters + ".txt");
    String text = new String(start, StandardCharsets.US_ASCII).replace('\uFFFD', '\'');
    return Files.writeString(file, text);
  }
}
