package dev.graft.harness;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.graft.checkpoint.Checkpoint;
import dev.graft.checkpoint.InvalidInputException;
import dev.graft.data.DataFolder;
import dev.graft.decoder.Decoder;
import dev.graft.decoder.DecoderOptions;
import dev.graft.lm.EngineModel;
import dev.graft.peers.Shared;
import dev.graft.results.ItemLog;
import dev.graft.results.TaskScores;
import dev.graft.task.Task;
import dev.graft.task.TaskReader;
import dev.graft.text.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Small tasks asked of the stories model on the engine. */
class EvaluationTest {
  private static final String ANIMALS =
      """
      task: animals
      output_type: multiple_choice
      doc_to_text: "{{question}}"
      doc_to_choice: choices
      doc_to_target: answer
      num_fewshot: 1
      fewshot_config: {sampler: first_n}
      metric_list:
        - metric: acc
        - metric: acc_norm
      dataset: {format: jsonl, test: animals.jsonl, fewshot: shots.jsonl}
      """;

  @TempDir Path folder;

  /** Counts what is asked of the model anew. */
  private static final class Counter implements EvaluationListener {
    private int questions;
    private int done;
    private int answered;

    @Override
    public void begin(String model, String task, int all, int before) {
      questions = all;
      done = before;
    }

    @Override
    public void answered() {
      answered++;
    }

    @Override
    public void end() {}
  }

  private Task animals() throws IOException {
    Files.writeString(
        folder.resolve("animals.jsonl"),
        """
        {"question": "Once upon a time there was a little", "choices": ["girl", "xylophone concert"], "answer": 0}
        {"question": "The dog wanted to", "choices": ["play", "if", "table"], "answer": "play"}
        {"question": "She was very", "choices": ["happy", "qqq"], "answer": "sad"}
        """);
    Files.writeString(
        folder.resolve("shots.jsonl"),
        """
        {"question": "One day, a cat saw a", "choices": ["bird", "zzz"], "answer": 0}
        """);
    return TaskReader.read("animals.yaml", ANIMALS);
  }

  private TaskScores run(Task task, ItemLog log, Counter counter, boolean chat) throws IOException {
    Path model = Shared.path("models/stories260k");
    try (Checkpoint checkpoint = Checkpoint.open(model);
        Tokenizer tokenizer = Tokenizer.open(model);
        Decoder decoder = new Decoder(checkpoint, DecoderOptions.of(64));
        EngineModel engine =
            new EngineModel("stories", decoder, tokenizer, Optional.empty(), Set.of(2), 512)) {
      return new Evaluation(log, new Evaluation.Options(OptionalInt.empty(), 100, chat), counter)
          .run(
              new Evaluation.Candidate(engine, "stories"),
              new Evaluation.Placed(task, new DataFolder(folder)));
    }
  }

  @Test
  void aTaskOfOnesOwnIsScored() throws IOException {
    Counter counter = new Counter();
    TaskScores scores = run(animals(), ItemLog.inMemory(), counter, false);
    assertEquals(3, counter.answered);
    assertEquals(2 / 3.0, scores.overall().get("acc").value(), 1e-12);
    // Sample standard deviation of (1, 1, 0) is √(1/3).
    assertEquals(1 / 3.0, scores.overall().get("acc").standardError().orElseThrow(), 1e-12);
    assertEquals(1, scores.unanswerable());
    assertEquals(0, scores.truncated());
    assertEquals(List.of("animals.jsonl"), scores.files());
  }

  @Test
  void whatIsAnsweredIsNotAskedAgain() throws IOException {
    Path file = folder.resolve("out.items.jsonl");
    TaskScores whole;
    try (ItemLog log = ItemLog.open(file)) {
      whole = run(animals(), log, new Counter(), false);
    }
    // As a killed process leaves it: two lines and a torn third.
    List<String> lines = Files.readAllLines(file);
    assertEquals(3, lines.size());
    Files.writeString(
        file, lines.get(0) + "\n" + lines.get(1) + "\n" + lines.get(2).substring(0, 40));
    Counter counter = new Counter();
    try (ItemLog log = ItemLog.open(file)) {
      TaskScores resumed = run(animals(), log, counter, false);
      assertEquals(whole.items(), resumed.items());
      assertEquals(whole.overall(), resumed.overall());
    }
    assertEquals(3, counter.questions);
    assertEquals(2, counter.done);
    assertEquals(1, counter.answered);
    assertEquals(
        List.copyOf(lines).stream().sorted().toList(),
        Files.readAllLines(file).stream().sorted().toList());
  }

  @Test
  void anotherPromptIsAskedAgain() throws IOException {
    ItemLog log = ItemLog.inMemory();
    run(animals(), log, new Counter(), false);
    Task other =
        TaskReader.read("animals.yaml", ANIMALS.replace("num_fewshot: 1", "num_fewshot: 0"));
    Counter counter = new Counter();
    run(other, log, counter, false);
    assertEquals(3, counter.answered);
  }

  @Test
  void aModelWithoutATemplateHasNoConversation() throws IOException {
    Task task = animals();
    InvalidInputException e =
        assertThrows(
            InvalidInputException.class, () -> run(task, ItemLog.inMemory(), new Counter(), true));
    assertTrue(e.getMessage().startsWith("stories has no chat template"), e.getMessage());
  }
}
