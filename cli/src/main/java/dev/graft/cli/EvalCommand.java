package dev.graft.cli;

import dev.graft.checkpoint.InvalidInputException;
import dev.graft.data.DataFolder;
import dev.graft.decoder.RoutingObserver;
import dev.graft.harness.Evaluation;
import dev.graft.lm.EngineModel;
import dev.graft.lm.ServerModel;
import dev.graft.page.EvaluationPage;
import dev.graft.results.ItemLog;
import dev.graft.results.PairedComparison;
import dev.graft.results.ResultsFile;
import dev.graft.results.TaskScores;
import dev.graft.score.Scorer;
import dev.graft.task.Task;
import dev.graft.task.TaskReader;
import dev.graft.text.ChatTemplate;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code graft eval}: how well models do on benchmarks. */
@Command(
    name = "eval",
    mixinStandardHelpOptions = true,
    description = "Evaluates models on benchmarks, with the prompts of lm-evaluation-harness.")
final class EvalCommand implements Callable<Integer> {
  /** Contexts that the key/value cache has room for, if the heap has. */
  private static final int CONTEXTS = 4;

  @Parameters(
      paramLabel = "DIR",
      arity = "0..*",
      description = "Hugging Face directories or GGUF files; none with --server.")
  private List<Path> models = List.of();

  @Option(
      names = "--tasks",
      required = true,
      split = ",",
      paramLabel = "TASK,…",
      description =
          "mmlu, cmmlu, ceval, gsm8k, math, humaneval, wikitext, or a YAML file of the same form.")
  private List<String> tasks = List.of();

  @Option(
      names = "--data",
      paramLabel = "DIR",
      description =
          "Folder with the benchmarks' files (data/eval of GRAFT_SHARED if that is set, else data).")
  private Optional<Path> data = Optional.empty();

  @Option(
      names = "--shots",
      paramLabel = "N",
      description = "Examples before each question (as many as the task says).")
  private Optional<Integer> shots = Optional.empty();

  @Option(
      names = "--limit",
      paramLabel = "N",
      description =
          "The first N questions of each task, or of each subject of a task that has some.")
  private Optional<Integer> limit = Optional.empty();

  @Option(
      names = "--subject-limit",
      paramLabel = "N",
      description = "The first N questions of each subject, where a task has subjects.")
  private Optional<Integer> subjectLimit = Optional.empty();

  @Option(
      names = "--max-gen-toks",
      paramLabel = "N",
      description = "Tokens of a written answer at most, where the task says more.")
  private Optional<Integer> maxGenToks = Optional.empty();

  @Option(
      names = "--allow-code-execution",
      description =
          "Run the programs that a model writes for humaneval, in a sandbox (needs bubblewrap).")
  private boolean allowCodeExecution;

  @Option(
      names = "--server",
      paramLabel = "URL",
      description =
          "Evaluate the model behind an OpenAI-compatible server, by /v1/completions; OPENAI_API_KEY is its key.")
  private Optional<String> server = Optional.empty();

  @Option(
      names = "--model",
      paramLabel = "NAME",
      description = "The server's name for the model (the first that it names).")
  private Optional<String> model = Optional.empty();

  @Option(
      names = "--tokenizer",
      paramLabel = "DIR",
      description = "Folder of the tokenizer of the server's model: prompts are then token ids.")
  private Optional<Path> tokenizer = Optional.empty();

  @Option(
      names = "--report",
      paramLabel = "FILE",
      description = "Write a page of the scores beside those of the Skywork-MoE report.")
  private Optional<Path> report = Optional.empty();

  @Option(names = "--chat", description = "Ask in conversations, by the model's chat template.")
  private boolean chat;

  @Option(
      names = "--out",
      paramLabel = "FILE",
      description =
          "Write the scores as JSON, and each answer beside it as it comes, so that the same command goes on after an interruption.")
  private Optional<Path> out = Optional.empty();

  @Option(
      names = "--max-context",
      paramLabel = "N",
      description = "Tokens of prompt and answer at most (the model's own limit).")
  private Optional<Integer> maxContext = Optional.empty();

  @Mixin private EngineOptions engine;

  @Override
  public Integer call() throws IOException {
    require("--limit", limit, 1);
    require("--shots", shots, 0);
    require("--subject-limit", subjectLimit, 1);
    require("--max-gen-toks", maxGenToks, 1);
    requireOneKindOfModel();
    List<Evaluation.Placed> placed = place();
    ModelNames names = ModelNames.of(models);
    List<TaskScores> scores = new ArrayList<>();
    try (CodeExecution programs = CodeExecution.of(placed, allowCodeExecution);
        ItemLog log =
            out.isPresent() ? ItemLog.open(ResultsFile.itemsOf(out.get())) : ItemLog.inMemory()) {
      for (Evaluation.Placed task : placed) {
        new Scorer(task.task(), programs.runner()); // refuses what cannot be scored, at once
      }
      Asking asking = new Asking(placed, log, programs);
      for (Path path : models) {
        scores.addAll(evaluate(path, names.of(path), asking));
      }
      if (server.isPresent()) {
        scores.addAll(evaluateServer(server.get(), asking));
      }
    }
    List<PairedComparison> pairs = PairedComparison.all(scores);
    if (out.isPresent()) {
      ResultsFile.write(out.get(), ResultsFile.json(scores, pairs));
    }
    if (report.isPresent()) {
      EvaluationPage.write("", ResultsFile.json(scores, pairs), report.get());
    }
    System.out.print(EvalTable.of(scores, pairs));
    return ExitCode.DONE.code();
  }

  private static void require(String option, Optional<Integer> value, int least) {
    if (value.isPresent() && value.get() < least) {
      throw new InvalidInputException(
          option + " is " + value.get() + "; it must be at least " + least);
    }
  }

  private void requireOneKindOfModel() {
    if (models.isEmpty() == server.isEmpty()) {
      throw new InvalidInputException(
          models.isEmpty()
              ? "there is no model to evaluate; give its directory, or --server URL"
              : "--server evaluates the server's model; leave out the directories");
    }
    if (server.isEmpty() && (model.isPresent() || tokenizer.isPresent())) {
      throw new InvalidInputException("--model and --tokenizer are of a --server; give one");
    }
  }

  /** All tasks are read before the first model is opened. */
  private List<Evaluation.Placed> place() throws IOException {
    DataFolder folder = new DataFolder(data.orElseGet(EvalCommand::standardData));
    List<Evaluation.Placed> placed = new ArrayList<>();
    for (String name : tasks) {
      if (name.endsWith(".yaml") || name.endsWith(".yml")) {
        Path file = Path.of(name);
        Task task = bounded(TaskReader.file(file));
        placed.add(
            new Evaluation.Placed(
                task, new DataFolder(file.toAbsolutePath().normalize().getParent())));
      } else {
        placed.add(new Evaluation.Placed(bounded(TaskReader.named(name)), folder));
      }
    }
    return placed;
  }

  private Task bounded(Task task) {
    return maxGenToks.map(task::withMaxTokens).orElse(task);
  }

  private static Path standardData() {
    String shared = System.getenv("GRAFT_SHARED");
    return shared == null ? Path.of("data") : Path.of(shared, "data", "eval");
  }

  /** What models are asked. */
  private record Asking(List<Evaluation.Placed> tasks, ItemLog log, CodeExecution programs) {}

  private List<TaskScores> evaluate(Path path, String name, Asking asking) throws IOException {
    try (PlacedModel placed =
        PlacedModel.open(
            path,
            engine,
            maxContext.orElse(Integer.MAX_VALUE),
            new PlacedModel.CacheSize(CONTEXTS, OptionalLong.empty()),
            spec -> RoutingObserver.NONE)) {
      EngineModel asked =
          new EngineModel(
              name,
              placed.forward(),
              placed.tokenizer(),
              ChatTemplate.find(path),
              placed.ends(),
              placed.context());
      return ask(
          new Evaluation.Candidate(
              asked, ModelNames.identity(path) + engine.cache + " " + placed.context()),
          asking);
    }
  }

  private List<TaskScores> evaluateServer(String url, Asking asking) throws IOException {
    OptionalInt context = maxContext.map(OptionalInt::of).orElse(OptionalInt.empty());
    Optional<String> key = Optional.ofNullable(System.getenv("OPENAI_API_KEY"));
    try (ServerModel asked = ServerModel.open(url, model, tokenizer, context, key)) {
      return ask(new Evaluation.Candidate(asked, asked.identity()), asking);
    }
  }

  private List<TaskScores> ask(Evaluation.Candidate candidate, Asking asking) throws IOException {
    List<TaskScores> scores = new ArrayList<>();
    for (Evaluation.Placed task : asking.tasks) {
      boolean divided = task.task().dataset().subjects().size() > 1;
      Evaluation.Options options =
          new Evaluation.Options(
              shots.map(OptionalInt::of).orElse(OptionalInt.empty()),
              (divided ? subjectLimit.or(() -> limit) : limit).orElse(Integer.MAX_VALUE),
              chat);
      try (EvalProgress progress = new EvalProgress()) {
        scores.add(
            new Evaluation(asking.log, options, progress, asking.programs.runner())
                .run(candidate, task));
      }
    }
    return scores;
  }
}
