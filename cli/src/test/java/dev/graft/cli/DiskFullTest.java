package dev.graft.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A real full disk: a tmpfs of a few megabytes, where the system lets the test mount one. */
class DiskFullTest {
  @TempDir private Path directory;
  private Path disk;
  private boolean mounted;

  @BeforeEach
  void mount() throws Exception {
    disk = Files.createDirectory(directory.resolve("disk"));
    mounted = command("mount", "-t", "tmpfs", "-o", "size=5m", "tmpfs", disk.toString());
    Assumptions.assumeTrue(
        mounted, "SKIPPED: this user may not mount a tmpfs, so no disk can be filled");
  }

  @AfterEach
  void unmount() throws Exception {
    if (mounted) {
      assertTrue(command("umount", disk.toString()));
    }
  }

  @Test
  void upcycleSaysSoAndLeavesNothing() throws IOException {
    Captured run =
        Captured.run(
            "upcycle",
            Shared.path("models/stories260k").toString(),
            disk.resolve("moe").toString(),
            "--experts",
            "8",
            "--top-k",
            "2");
    assertEquals(1, run.code());
    assertTrue(run.err().contains("the disk is full"), run.err());
    try (var left = Files.list(disk)) {
      assertEquals(List.of(), left.toList());
    }
  }

  @Test
  void exportSaysSoAndLeavesNothing() throws IOException {
    Path other = disk.resolve("other");
    Files.write(other, new byte[4_900_000]);
    Captured run =
        Captured.run(
            "export",
            Shared.path("models/stories260k").toString(),
            disk.resolve("model.gguf").toString(),
            "--type",
            "f16");
    assertEquals(1, run.code());
    assertTrue(run.err().contains("the disk is full"), run.err());
    try (var left = Files.list(disk)) {
      assertEquals(List.of(other), left.toList());
    }
  }

  @Test
  void aRunKeepsItsLastCheckpoint() throws IOException {
    Path model = Shared.path("models/stories260k");
    Path tokens = directory.resolve("tokens");
    Path text = directory.resolve("text.txt");
    Files.writeString(text, "Once upon a time there was a little dog. ".repeat(400));
    assertEquals(
        0,
        Captured.run(
                "tokenize",
                text.toString(),
                "--tokenizer",
                model.toString(),
                "--out",
                tokens.toString())
            .code());
    Path recipe = directory.resolve("recipe.yaml");
    // A checkpoint with its moments is about 3 MB: the first fits, the second does not.
    Files.writeString(
        recipe,
        """
        model: %s
        data: {train: [{tokens: %s}]}
        sequence_length: 32
        global_batch_size: 2
        micro_batch_size: 2
        steps: 4
        tensorboard: false
        checkpoint: {every: 2, keep: 2}
        out: %s
        """
            .formatted(model, tokens, disk.resolve("run")));
    Captured run = Captured.run("train", recipe.toString());
    assertEquals(1, run.code(), run.out());
    assertTrue(run.err().contains("the disk is full"), run.err());
    assertEquals("step-00000002", Files.readString(disk.resolve("run/latest")).strip());
    assertEquals(
        0,
        Captured.run(
                "logits", disk.resolve("run/checkpoints/step-00000002").toString(), "--ids", "1,2")
            .code());
  }

  private static boolean command(String... words) throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder(words)
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start();
    return process.waitFor(20, TimeUnit.SECONDS) && process.exitValue() == 0;
  }
}
