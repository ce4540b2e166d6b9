package dev.graft.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** {@code graft generate} over ranks that are processes. */
@Timeout(value = 5, unit = TimeUnit.MINUTES)
class RankedGenerateTest {
  @Test
  void processesWriteTheTextOfTheReference() throws IOException {
    Path model = Shared.path("models/stories260k");
    JsonNode example =
        JsonMapper.shared()
            .readTree(Files.readString(Shared.path("golden/stories260k/golden.json")))
            .get("cases")
            .get(0);
    Captured run =
        Captured.run(
            "generate",
            model.toString(),
            "--prompt",
            example.get("prompt").asString(),
            "--max-tokens",
            "32",
            "--temperature",
            "0",
            "--shares",
            "5,3,1",
            "--launch",
            "processes");
    assertEquals(0, run.code(), run.err());
    assertEquals(example.get("greedy_32_text").asString(), run.out().stripTrailing());
  }

  private static OwnProcess startLongText(String... more) throws IOException {
    List<String> args =
        new ArrayList<>(List.of("generate", OwnProcess.smollm2().toString(), "--max-tokens"));
    args.addAll(List.of("7000", "--temperature", "0", "--prompt", "1 2 3 4 5 6 7 8 9 10 11 12"));
    args.addAll(List.of("--tp", "2", "--launch", "processes"));
    args.addAll(List.of(more));
    return OwnProcess.start(args.toArray(String[]::new));
  }

  @Test
  void aRankKilledInMidTextEndsTheVerbWithASentence() throws Exception {
    try (OwnProcess verb = startLongText()) {
      ProcessHandle rank = verb.awaitRank();
      assertTrue(verb.process().getInputStream().read() >= 0, "text streams");
      rank.destroyForcibly();
      assertEquals(1, verb.awaitEnd());
      assertEquals(
          "graft: rank 1 of 2 was lost: its process was ended by signal 9", lastLine(verb.err()));
    }
  }

  @Test
  void aRankFrozenInMidTextEndsTheVerbAfterItsTimeout() throws Exception {
    try (OwnProcess verb = startLongText("--rank-timeout", "20")) {
      ProcessHandle rank = verb.awaitRank();
      assertTrue(verb.process().getInputStream().read() >= 0, "text streams");
      OwnProcess.signal("STOP", rank.pid());
      assertEquals(1, verb.awaitEnd());
      assertEquals(
          "graft: rank 1 of 2 was lost: it did not answer within 20 s", lastLine(verb.err()));
      rank.onExit().get(1, TimeUnit.MINUTES);
      assertFalse(rank.isAlive(), "a frozen rank is not left behind");
    }
  }

  private static String lastLine(String text) {
    return text.lines().reduce((a, b) -> b).orElse("");
  }
}
