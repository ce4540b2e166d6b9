package dev.graft.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.graft.checkpoint.CheckpointWriter;
import dev.graft.events.Event;
import dev.graft.events.RunEvents;
import dev.graft.text.IndexedDatasetWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Real processes: kill -9 at random moments, saves among them, and SIGTERM. */
class KilledRunTest {
  private static final int KILLS = 20;
  private static final int STEPS = 500;
  private static final long PATIENCE_SECONDS = 60;

  @TempDir private Path directory;

  @Test
  @Timeout(value = 20, unit = TimeUnit.MINUTES)
  void aRunKilledTwentyTimesEqualsAnUninterruptedOne() throws Exception {
    Path whole = recipe("whole");
    Process uninterrupted = start(whole, "whole");
    awaitProgress(uninterrupted, "whole");
    long began = System.nanoTime();
    assertEquals(0, finish(uninterrupted));
    // Short enough that all kills fall into one run on a machine of any speed.
    int patience = (int) Math.max(2, (System.nanoTime() - began) / 1_000_000 / (2 * KILLS));
    long seed = System.nanoTime();
    System.out.println("KilledRunTest: seed of the moments " + seed);
    SplittableRandom random = new SplittableRandom(seed);
    Path killed = recipe("killed");
    int kills = 0;
    while (kills < KILLS) {
      Process process = start(killed, "killed");
      if (random.nextInt(5) == 0) {
        // Somewhere between the start of the JVM and the first step.
        TimeUnit.MILLISECONDS.sleep(random.nextInt(1500));
      } else {
        awaitProgress(process, "killed");
        TimeUnit.MILLISECONDS.sleep(random.nextInt(patience));
      }
      if (process.isAlive()) {
        process.destroyForcibly();
        assertTrue(process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS));
        kills++;
      } else {
        // It came to its end first: what it wrote must be right, and the rest of the kills go to
        // another run.
        assertEquals(0, process.exitValue(), log("killed"));
        assertEquals(losses("whole"), losses("killed"));
        CheckpointWriter.deleteTree(directory.resolve("killed"));
      }
    }
    assertEquals(0, finish(start(killed, "killed")));
    assertEquals(losses("whole"), losses("killed"));
    assertEquals(STEPS, losses("killed").size());
  }

  @Test
  @Timeout(value = 5, unit = TimeUnit.MINUTES)
  void sigtermSavesAndExitsWithZero() throws Exception {
    Path recipe = recipe("terminated");
    Process process = start(recipe, "terminated");
    awaitProgress(process, "terminated");
    process.destroy();
    assertEquals(0, finish(process), log("terminated"));
    String latest = Files.readString(directory.resolve("terminated/latest")).strip();
    int saved = Integer.parseInt(latest.replace("step-", ""));
    assertEquals(saved, losses("terminated").size());
    assertTrue(saved < STEPS);
  }

  private Process start(Path recipe, String name) throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-Xmx512m", "-XX:+UseSerialGC", "--enable-native-access=ALL-UNNAMED"));
    command.add("--sun-misc-unsafe-memory-access=allow");
    Stream.of("nopointergc=true", "maxBytes=0", "maxPhysicalBytes=0")
        .forEach(option -> command.add("-Dorg.bytedeco.javacpp." + option));
    command.add("-Dorg.bytedeco.openblas.load=mkl_rt");
    command.addAll(
        List.of("-cp", classPath(), "dev.graft.cli.Main", "train", recipe.toString(), "--resume"));
    return new ProcessBuilder(command)
        .redirectErrorStream(true)
        .redirectOutput(ProcessBuilder.Redirect.appendTo(directory.resolve(name + ".log").toFile()))
        .start();
  }

  private static String classPath() {
    String surefire = System.getProperty("surefire.test.class.path");
    return surefire == null ? System.getProperty("java.class.path") : surefire;
  }

  private int finish(Process process) throws InterruptedException {
    assertTrue(process.waitFor(5, TimeUnit.MINUTES), "the run did not end");
    return process.exitValue();
  }

  /** Until events have grown, so that the process is in its steps and saves. */
  private void awaitProgress(Process process, String name) throws Exception {
    Path events = directory.resolve(name).resolve("events.jsonl");
    long before = Files.exists(events) ? Files.getLastModifiedTime(events).toMillis() : 0;
    long size = Files.exists(events) ? Files.size(events) : 0;
    for (long waited = 0; waited < PATIENCE_SECONDS * 100; waited++) {
      if (!process.isAlive()) {
        assertEquals(0, process.exitValue(), log(name));
        return;
      }
      boolean grown = Files.exists(events) && Files.size(events) > size;
      if (grown && Files.getLastModifiedTime(events).toMillis() > before) {
        return;
      }
      size = Files.exists(events) ? Math.min(size, Files.size(events)) : 0;
      TimeUnit.MILLISECONDS.sleep(10);
    }
    throw new AssertionError("the run made no progress: " + log(name));
  }

  private String log(String name) throws IOException {
    return Files.readString(directory.resolve(name + ".log"));
  }

  private List<Double> losses(String name) throws IOException {
    return RunEvents.read(directory.resolve(name).resolve("events.jsonl"))
        .of(Event.Step.class)
        .stream()
        .map(Event.Step::loss)
        .toList();
  }

  private Path recipe(String name) throws IOException {
    Path tokens = directory.resolve("tokens");
    if (!Files.exists(directory.resolve("tokens.idx"))) {
      SplittableRandom random = new SplittableRandom(5);
      try (IndexedDatasetWriter writer = IndexedDatasetWriter.create(tokens, 64)) {
        for (int d = 0; d < 300; d++) {
          writer.add(random.ints(40, 0, 64).toArray());
        }
        writer.commit();
      }
    }
    Path recipe = directory.resolve(name + ".yaml");
    Files.writeString(
        recipe,
        """
        spec: {vocab_size: 64, hidden_size: 32, intermediate_size: 48, num_hidden_layers: 2, num_attention_heads: 4,
               num_key_value_heads: 2, num_experts: [4], num_experts_per_tok: 2, max_position_embeddings: 32}
        data: {train: [{tokens: %s}]}
        sequence_length: 32
        global_batch_size: 4
        micro_batch_size: 2
        steps: %d
        threads: 1
        deterministic: true
        similarity_every: 50
        checkpoint: {every: 3, keep: 2}
        out: %s
        """
            .formatted(tokens, STEPS, directory.resolve(name)));
    return recipe;
  }
}
