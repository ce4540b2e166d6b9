package dev.graft.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** {@code graft logits --tp}. */
@Timeout(value = 5, unit = TimeUnit.MINUTES)
class RankedLogitsTest {
  private static JsonNode logits(Path model, String... options) {
    List<String> args = new ArrayList<>(List.of("logits", model.toString()));
    args.addAll(List.of("--ids", "1,403,7,99,255,31,8", "--all", "--greedy", "16", "--json"));
    args.addAll(List.of(options));
    Captured run = Captured.run(args.toArray(String[]::new));
    assertEquals(0, run.code(), run.err());
    return JsonMapper.shared().readTree(run.out());
  }

  @Test
  void threadsAndProcessesGiveWhatOneRankGives() {
    Path model = Shared.path("golden/tiny-skywork-moe-fp8");
    JsonNode one = logits(model);
    List<List<String>> ways =
        List.of(
            List.of("--tp", "2"),
            List.of("--shares", "5,3,1"),
            List.of("--tp", "6"),
            List.of("--tp", "2", "--launch", "processes"));
    for (List<String> way : ways) {
      JsonNode many = logits(model, way.toArray(String[]::new));
      assertEquals(one.get("greedy"), many.get("greedy"), "" + way);
      for (int p = 0; p < one.get("logits").size(); p++) {
        JsonNode expected = one.get("logits").get(p);
        for (int v = 0; v < expected.size(); v++) {
          double actual = many.get("logits").get(p).get(v).asDouble();
          assertEquals(expected.get(v).asDouble(), actual, 1e-4, way + " position " + p);
        }
      }
      for (int l = 0; l < one.get("router").size(); l++) {
        assertEquals(
            one.get("router").get(l).get("expert_ids"),
            many.get("router").get(l).get("expert_ids"));
      }
    }
  }

  @Test
  void theTrainEngineHasNoRanks() {
    Captured run =
        Captured.run(
            "logits",
            Shared.path("golden/tiny-mixtral").toString(),
            "--ids",
            "1",
            "--tp",
            "2",
            "--engine",
            "train");
    assertEquals(2, run.code());
    assertTrue(run.err().contains("leave out --engine train"), run.err());
  }

  /** The whole command line as a user runs it, one of whose ranks is killed in mid-text. */
  @Test
  void aKilledRankEndsTheVerbWithASentence() throws Exception {
    Process verb = startLongText();
    try {
      ProcessHandle rank = awaitRank(verb);
      // In its steps by now or still placing the model: either way the verb must end.
      TimeUnit.SECONDS.sleep(4);
      assertTrue(verb.isAlive(), "the text came to its end before the rank was killed");
      rank.destroyForcibly();
      assertTrue(verb.waitFor(2, TimeUnit.MINUTES), "the verb hangs");
      String said = new String(verb.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
      assertEquals(1, verb.exitValue(), said);
      assertTrue(
          said.contains("graft: rank 1 of 2 was lost: its process was ended by signal 9"), said);
      assertEquals("", new String(verb.getInputStream().readAllBytes(), StandardCharsets.UTF_8));
    } finally {
      verb.descendants().forEach(ProcessHandle::destroyForcibly);
      verb.destroyForcibly();
    }
  }

  @Test
  void ranksEndWithTheProcessThatStartedThem() throws Exception {
    Process verb = startLongText();
    try {
      ProcessHandle rank = awaitRank(verb);
      TimeUnit.SECONDS.sleep(4);
      verb.destroyForcibly();
      rank.onExit().get(2, TimeUnit.MINUTES);
    } finally {
      verb.descendants().forEach(ProcessHandle::destroyForcibly);
      verb.destroyForcibly();
    }
  }

  private static Process startLongText() throws IOException {
    Path smollm2 =
        Optional.ofNullable(System.getenv("GRAFT_SMOLLM2"))
            .map(Path::of)
            .orElseGet(() -> Project.root().resolve("target/smollm2"));
    Assumptions.assumeTrue(
        Files.exists(smollm2),
        () -> "SKIPPED: " + smollm2 + " is not there; run scripts/smollm2 or set GRAFT_SMOLLM2");
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), Main.class.getName()));
    command.addAll(List.of("logits", smollm2.toString(), "--ids", "1,2,3", "--greedy", "7000"));
    command.addAll(List.of("--tp", "2", "--launch", "processes"));
    return new ProcessBuilder(command).start();
  }

  private static ProcessHandle awaitRank(Process verb) throws InterruptedException {
    for (int i = 0; i < 6000; i++) {
      Optional<ProcessHandle> rank = verb.descendants().findFirst();
      if (rank.isPresent()) {
        return rank.get();
      }
      assertTrue(verb.isAlive(), "the verb ended at once");
      TimeUnit.MILLISECONDS.sleep(10);
    }
    throw new AssertionError("no rank was started");
  }
}
