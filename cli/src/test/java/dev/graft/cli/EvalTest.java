package dev.graft.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.graft.peers.Shared;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** {@code graft eval} on the stories model. */
class EvalTest {
  private static final int QUESTIONS = 300;

  @TempDir Path folder;

  private Path task() throws IOException {
    StringBuilder lines = new StringBuilder();
    for (int i = 0; i < QUESTIONS; i++) {
      lines.append(
          "{\"q\": \"Once upon a time there was a cat of %d years. %s\", \"c\": [\"The cat was happy.\", \"A big dog came %d times.\"], \"a\": %d}\n"
              .formatted(i * 7919 % 1000, "It ran to the tree and back. ".repeat(i % 5), i, i % 2));
    }
    Files.writeString(folder.resolve("cats.jsonl"), lines);
    return Files.writeString(
        folder.resolve("cats.yaml"),
        """
        task: cats
        output_type: multiple_choice
        doc_to_text: q
        doc_to_choice: c
        doc_to_target: a
        metric_list: [{metric: acc}, {metric: acc_norm}]
        dataset: {test: cats.jsonl}
        """);
  }

  private static String[] command(Path task, Path out) {
    return new String[] {
      "eval",
      Shared.path("models/stories260k").toString(),
      "--tasks",
      task.toString(),
      "--out",
      out.toString()
    };
  }

  @Test
  void aRunThatIsKilledGoesOn() throws Exception {
    Path task = task();
    Path whole = folder.resolve("whole.json");
    assertEquals(0, Main.run(command(task, whole)));
    Path out = folder.resolve("killed.json");
    Path items = folder.resolve("killed.items.jsonl");
    try (OwnProcess process = OwnProcess.start(command(task, out))) {
      for (int i = 0; i < 12_000 && (!Files.exists(items) || Files.size(items) < 4000); i++) {
        assertTrue(process.process().isAlive(), "it ended before it was killed");
        TimeUnit.MILLISECONDS.sleep(5);
      }
      OwnProcess.signal("KILL", process.process().pid());
      process.awaitEnd();
    }
    List<String> before = Files.readAllLines(items);
    assertTrue(before.size() > 5 && before.size() < QUESTIONS, "killed after " + before.size());
    assertTrue(Files.notExists(out));
    assertEquals(0, Main.run(command(task, out)));
    List<String> after = Files.readAllLines(items);
    assertEquals(QUESTIONS, after.size());
    // Lines that were whole are still there, once; a torn last one was dropped.
    assertEquals(before.subList(0, before.size() - 1), after.subList(0, before.size() - 1));
    assertEquals(
        new TreeSet<>(Files.readAllLines(folder.resolve("whole.items.jsonl"))),
        new TreeSet<>(after));
    assertEquals(Files.readString(whole), Files.readString(out));
  }

  @Test
  void whatCannotBeUsedIsSaidInOneSentence() throws IOException {
    String model = Shared.path("models/stories260k").toString();
    String none = folder.toString();
    assertEquals(2, Main.run("eval", model, "--tasks", "mmlu", "--data", none));
    assertEquals(2, Main.run("eval", model, "--tasks", "glue"));
    assertEquals(2, Main.run("eval", model, model, "--tasks", task().toString()));
    assertEquals(2, Main.run("eval", model, "--tasks", task().toString(), "--limit", "0"));
    assertEquals(2, Main.run("eval", model, "--tasks", task().toString(), "--chat"));
    assertEquals(2, Main.run("eval", model, "--tasks", task().toString(), "--shots", "1"));
  }
}
