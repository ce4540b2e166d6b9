package dev.graft.harness;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.graft.checkpoint.InvalidInputException;
import dev.graft.data.DataFolder;
import dev.graft.lm.ChatFormat;
import dev.graft.lm.LanguageModel;
import dev.graft.peers.PeerPython;
import dev.graft.peers.Shared;
import dev.graft.results.ItemLog;
import dev.graft.results.TaskScores;
import dev.graft.sandbox.Limits;
import dev.graft.sandbox.Sandbox;
import dev.graft.score.CodeRunner;
import dev.graft.task.Task;
import dev.graft.task.TaskReader;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.BiFunction;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The tasks that let a model write, asked of a model that writes what the test says. */
class GenerationTasksTest {
  @TempDir Path folder;

  /** Writes by the number of the prompt and the prompt. */
  private record Scripted(BiFunction<Integer, Prompt, String> writing, List<Prompt> prompts)
      implements LanguageModel {
    Scripted(BiFunction<Integer, Prompt, String> writing) {
      this(writing, new ArrayList<>());
    }

    @Override
    public String name() {
      return "scripted";
    }

    @Override
    public Optional<ChatFormat> chat() {
      return Optional.empty();
    }

    @Override
    public void logLikelihoods(List<Continuation> asked, Answers<Likelihood> answers) {
      assertTrue(asked.isEmpty());
    }

    @Override
    public void rolling(List<String> texts, Answers<Likelihood> answers) {
      assertTrue(texts.isEmpty());
    }

    @Override
    public void write(List<Prompt> asked, Answers<Written> answers) throws IOException {
      for (int i = 0; i < asked.size(); i++) {
        prompts.add(asked.get(i));
        answers.answer(i, new Written(writing.apply(i, asked.get(i)), 1, 0));
      }
    }

    @Override
    public void close() {}
  }

  private static final EvaluationListener SILENT =
      new EvaluationListener() {
        @Override
        public void begin(String model, String task, int questions, int done) {}

        @Override
        public void answered() {}

        @Override
        public void end() {}
      };

  private TaskScores run(
      Task task, Scripted model, int limit, Optional<CodeRunner> programs, ItemLog log)
      throws IOException {
    return new Evaluation(
            log, new Evaluation.Options(OptionalInt.empty(), limit, false), SILENT, programs)
        .run(
            new Evaluation.Candidate(model, "scripted"),
            new Evaluation.Placed(task, new DataFolder(Shared.path("data/eval"))));
  }

  private TaskScores run(Task task, Scripted model, int limit, Optional<CodeRunner> programs)
      throws IOException {
    return run(task, model, limit, programs, ItemLog.inMemory());
  }

  private static List<JsonNode> records(String file, int count) throws IOException {
    return Files.readAllLines(Shared.path("data/eval/" + file)).stream()
        .limit(count)
        .map(line -> JsonMapper.shared().readTree(line))
        .toList();
  }

  @Test
  void gsm8kIsReadStrictlyAndFlexibly() throws IOException {
    List<JsonNode> docs = records("gsm8k/test.jsonl", 6);
    Scripted model =
        new Scripted((i, prompt) -> {
          String answer = docs.get(i).get("answer").asString();
          String number = answer.substring(answer.indexOf("#### ") + 5);
          return switch (i) {
            case 0, 1, 2 -> " So.\n#### " + number;
            case 3 -> " The answer is $" + number + ".";
            default -> " I do not know.";
          };
        });
    TaskScores scores = run(TaskReader.named("gsm8k"), model, 6, Optional.empty());
    assertEquals(0.5, scores.overall().get("exact_match,strict-match").value());
    assertEquals(4 / 6.0, scores.overall().get("exact_match,flexible-extract").value());
    LanguageModel.Prompt first = model.prompts().getFirst();
    assertEquals(5 + 1, first.text().split("Question: ", -1).length - 1);
    assertTrue(first.text().endsWith("\nAnswer:"), first.text());
    assertEquals(List.of("Question:", "</s>", "<|im_end|>"), first.until());
    assertEquals(256, first.maxTokens());
    assertEquals(0, first.temperature());
  }

  @Test
  void mathIsAskedAsLmEvalAsksIt() throws IOException {
    List<JsonNode> docs = records("math500/test.jsonl", 4);
    Scripted model =
        new Scripted((i, prompt) -> {
          String answer = docs.get(i).get("answer").asString();
          return switch (i) {
            case 0 -> " Final Answer: The final answer is $" + answer + "$. I hope it is correct.";
            case 1 -> " It is $\\boxed{" + answer + "}$.";
            default -> " Final Answer: The final answer is $-1234$. I hope it is correct.";
          };
        });
    TaskScores scores = run(TaskReader.named("math"), model, 4, Optional.empty());
    assertEquals(0.25, scores.overall().get("minerva_match").value());
    assertEquals(0.5, scores.overall().get("boxed_match").value());
    String theirs =
        PeerPython.run(
            "scripts/peers/eval_text.py",
            "--math-prompts",
            Shared.path("data/eval/math500/test.jsonl").toString(),
            "4");
    List<String> prompts =
        theirs.lines().map(l -> JsonMapper.shared().readTree(l).asString()).toList();
    assertEquals(prompts, model.prompts().stream().map(LanguageModel.Prompt::text).toList());
  }

  @Test
  void humanEvalRunsWhatWasWritten() throws IOException {
    List<JsonNode> docs = records("humaneval/HumanEval.jsonl", 4);
    Scripted model =
        new Scripted((i, prompt) -> {
          String solution = docs.get(i).get("canonical_solution").asString();
          return i == 2 ? "    return None\n" : i == 3 ? "    import os; os._exit(0)\n" : solution;
        });
    try (Sandbox sandbox = sandbox()) {
      CodeRunner runner = program -> sandbox.run(program).passed();
      TaskScores scores = run(TaskReader.named("humaneval"), model, 4, Optional.of(runner));
      assertEquals(0.5, scores.overall().get("pass@1").value());
      assertEquals(
          List.of("\nclass", "\ndef", "\n#", "\nif", "\nprint"),
          model.prompts().getFirst().until());
    }
  }

  private static Sandbox sandbox() throws IOException {
    try {
      return Sandbox.open(Limits.standard());
    } catch (InvalidInputException e) {
      Assumptions.abort("SKIPPED: " + e.getMessage() + "; scripts/sandbox installs it");
      throw e;
    }
  }

  private static final String SAMPLED =
      """
      task: sampled
      output_type: generate_until
      doc_to_text: "{{prompt}}"
      doc_to_target: "check({{entry_point}})"
      repeats: 5
      generation_kwargs: {until: ["\\ndef"], max_gen_toks: 64, temperature: 0.8}
      metric_list:
        - {metric: pass_at_k, k: [1, 2, 5]}
      dataset: {format: jsonl, test: humaneval/HumanEval.jsonl}
      """;

  @Test
  void severalAnswersGivePassAtK() throws IOException {
    Task task = TaskReader.read("sampled.yaml", SAMPLED);
    // Of the five answers to each question two pass, and of those to the second none.
    Scripted model = new Scripted((i, prompt) -> i < 5 && i % 5 < 2 ? "right" : "wrong");
    Optional<CodeRunner> runner = Optional.of(program -> program.contains("right"));
    Path file = folder.resolve("out.items.jsonl");
    TaskScores scores;
    try (ItemLog log = ItemLog.open(file)) {
      scores = run(task, model, 2, runner, log);
    }
    assertEquals(0.4 / 2, scores.overall().get("pass@1").value(), 1e-12);
    assertEquals(
        (1 - 3 / 10.0) / 2, scores.overall().get("pass@2").value(), 1e-12); // C(3,2)/C(5,2)
    assertEquals(0.5, scores.overall().get("pass@5").value(), 1e-12);
    assertEquals(10, model.prompts().stream().map(LanguageModel.Prompt::seed).distinct().count());
    assertEquals(0.8, model.prompts().getFirst().temperature());
    try (ItemLog log = ItemLog.open(file)) {
      Scripted silent = new Scripted((i, prompt) -> "never");
      assertEquals(scores.items(), run(task, silent, 2, runner, log).items());
      assertTrue(silent.prompts().isEmpty());
    }
  }

  @Test
  void whatCannotBeScoredIsRefused() throws IOException {
    Task humaneval = TaskReader.named("humaneval");
    String said = refusal(() -> run(humaneval, new Scripted((i, p) -> ""), 1, Optional.empty()));
    assertTrue(said.contains("allow it with --allow-code-execution"), said);
    said = refusal(() -> TaskReader.read("x.yaml", SAMPLED.replace(", temperature: 0.8", "")));
    assertTrue(said.contains("set temperature in generation_kwargs"), said);
    Optional<CodeRunner> never = Optional.of(program -> false);
    for (String[] change :
        new String[][] {
          {"k: [1, 2, 5]", "k: [6]", "k of pass_at_k is 6, but repeats is 5"},
          {"k: [1, 2, 5]", "k: [0]", "must be whole numbers of at least 1"},
          {"k: [1, 2, 5]", "n: 3", "pass_at_k has no argument n"},
          {"pass_at_k, k: [1, 2, 5]", "bleu", "there is no metric bleu"},
          {
            "pass_at_k, k: [1, 2, 5]",
            "exact_match, regexes_to_ignore: '('",
            "regexes_to_ignore of exact_match is no pattern"
          },
        }) {
      Task task = TaskReader.read("x.yaml", SAMPLED.replace(change[0], change[1]));
      said = refusal(() -> run(task, new Scripted((i, p) -> ""), 1, never));
      assertTrue(said.contains(change[2]), said);
    }
    assertEquals(16, TaskReader.named("gsm8k").withMaxTokens(16).generation().maxTokens());
  }

  private interface Refused {
    Object run() throws IOException;
  }

  private static String refusal(Refused action) {
    return assertThrows(InvalidInputException.class, action::run).getMessage();
  }
}
