package dev.graft.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.graft.events.Event;
import dev.graft.events.RunEvents;
import dev.graft.text.IndexedDatasetWriter;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code graft launch} as a user runs it. */
@Timeout(value = 5, unit = TimeUnit.MINUTES)
class LaunchedRunTest {
  private static final int STEPS = 600;
  private static final int KILLS = 2;

  @TempDir private Path directory;

  @BeforeEach
  void tokens() throws IOException {
    SplittableRandom random = new SplittableRandom(5);
    try (IndexedDatasetWriter writer = IndexedDatasetWriter.create(directory.resolve("data"), 32)) {
      for (int d = 0; d < 60; d++) {
        int[] ids = new int[30];
        for (int i = 1; i < ids.length; i++) {
          ids[i] = random.nextInt(4) == 0 ? random.nextInt(32) : (ids[i - 1] * 5 + 3) % 32;
        }
        writer.add(ids);
      }
      writer.commit();
    }
  }

  @Test
  void aRunWhoseRanksAreKilledEqualsAnUninterruptedOne() throws Exception {
    try (OwnProcess calm = launch("calm", 2, "parallel.dp=2", "parallel.zero=1")) {
      assertEquals(0, end(calm), errors(calm));
    }
    try (OwnProcess run = launch("killed", 2, "parallel.dp=2", "parallel.zero=1")) {
      SplittableRandom random = new SplittableRandom(11);
      for (int kill = 0; kill < KILLS; kill++) {
        String before = latest();
        while (latest().equals(before)) {
          assertTrue(run.process().isAlive(), () -> "ended before kill: " + errors(run));
          TimeUnit.MILLISECONDS.sleep(20);
        }
        List<ProcessHandle> ranks = run.process().children().toList();
        assertEquals(2, ranks.size());
        ranks.get(random.nextInt(2)).destroyForcibly();
      }
      assertEquals(0, end(run), errors(run));
      String said = errors(run);
      assertTrue(said.contains("of 2 was ended by signal 9; going on from the last"), said);
    }
    assertEquals(STEPS, losses("calm").size());
    assertEquals(losses("calm"), losses("killed"));
  }

  @Test
  void whatCannotBeIsRefusedWithTwo() throws Exception {
    try (OwnProcess wrong = launch("wrong", 2, "parallel.pp=3")) {
      assertEquals(2, end(wrong));
      String said = errors(wrong);
      assertTrue(said.contains("= 3 ranks, but 2 processes were started"), said);
    }
  }

  /** One of them sees it first and takes the other along; rank 0 says why either way. */
  @ParameterizedTest
  @ValueSource(ints = {0, 1})
  void ranksEndWithTheLauncherThatIsKilled(int first) throws Exception {
    try (OwnProcess run = launch("killed", 2, "parallel.dp=2", "steps=100000")) {
      while (latest().isEmpty()) {
        assertTrue(run.process().isAlive(), () -> errors(run));
        TimeUnit.MILLISECONDS.sleep(20);
      }
      List<ProcessHandle> ranks = run.process().children().toList();
      assertEquals(2, ranks.size());
      ProcessHandle late = ranks.get(1 - first);
      OwnProcess.signal("STOP", late.pid());
      run.process().destroyForcibly();
      try {
        ranks.get(first).onExit().get(1, TimeUnit.MINUTES);
      } finally {
        OwnProcess.signal("CONT", late.pid());
      }
      late.onExit().get(1, TimeUnit.MINUTES);
      assertTrue(errors(run).contains("the process that launched this rank is gone"), errors(run));
    }
  }

  @Test
  void withoutSparkOneSentenceSaysWhatToDo() throws Exception {
    try (OwnProcess run =
        OwnProcess.start("launch", "--spark", "local[2]", "--nproc", "2", "train", "recipe.yaml")) {
      assertEquals(2, end(run));
      assertTrue(run.err().contains("are not there; run ./mvnw -DskipTests package"));
    }
  }

  private OwnProcess launch(String name, int ranks, String... overrides) throws IOException {
    Path recipe = directory.resolve(name + ".yaml");
    Files.writeString(
        recipe,
        """
        spec: {vocab_size: 32, hidden_size: 16, intermediate_size: 24, num_hidden_layers: 2, num_attention_heads: 2,
               num_key_value_heads: 1, num_experts: [4], num_experts_per_tok: 2, max_position_embeddings: 64}
        data: {train: [{tokens: %s}]}
        sequence_length: 16
        global_batch_size: 8
        micro_batch_size: 4
        steps: %d
        threads: 1
        deterministic: true
        tensorboard: false
        checkpoint: {every: 25}
        out: %s
        """
            .formatted(directory.resolve("data"), STEPS, directory.resolve(name)));
    List<String> arguments =
        new ArrayList<>(List.of("launch", "--nproc", "" + ranks, "train", recipe.toString()));
    arguments.addAll(List.of(overrides));
    Process process =
        new ProcessBuilder(OwnProcess.command(arguments.toArray(String[]::new)))
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .redirectError(directory.resolve("errors.log").toFile())
            .start();
    return new OwnProcess(process);
  }

  private static int end(OwnProcess run) throws InterruptedException {
    assertTrue(run.process().waitFor(3, TimeUnit.MINUTES), "the run did not end");
    return run.process().exitValue();
  }

  private String errors(OwnProcess run) {
    try {
      return run.process().pid()
          + ": "
          + Files.readString(directory.resolve("errors.log"), StandardCharsets.UTF_8);
    } catch (IOException e) {
      return e.toString();
    }
  }

  private String latest() throws IOException {
    Path file = directory.resolve("killed/latest");
    return Files.exists(file) ? Files.readString(file) : "";
  }

  private List<Double> losses(String name) {
    List<Double> losses = new ArrayList<>();
    for (Event event : RunEvents.read(directory.resolve(name).resolve("events.jsonl")).events()) {
      if (event instanceof Event.Step step) {
        losses.add(step.loss());
      }
    }
    return losses;
  }
}
