package dev.graft.cli;

import dev.graft.checkpoint.InvalidInputException;
import dev.graft.data.DataFolder;
import dev.graft.decoder.RoutingObserver;
import dev.graft.harness.Evaluation;
import dev.graft.lm.EngineModel;
import dev.graft.results.ItemLog;
import dev.graft.results.PairedComparison;
import dev.graft.results.ResultsFile;
import dev.graft.results.TaskScores;
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
      arity = "1..*",
      description = "Hugging Face directories or GGUF files.")
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
    List<Evaluation.Placed> placed = place();
    ModelNames names = ModelNames.of(models);
    List<TaskScores> scores = new ArrayList<>();
    try (ItemLog log =
        out.isPresent() ? ItemLog.open(ResultsFile.itemsOf(out.get())) : ItemLog.inMemory()) {
      for (Path model : models) {
        scores.addAll(evaluate(model, names.of(model), placed, log));
      }
    }
    List<PairedComparison> pairs = PairedComparison.all(scores);
    if (out.isPresent()) {
      ResultsFile.write(out.get(), ResultsFile.json(scores, pairs));
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

  /** All tasks are read before the first model is opened. */
  private List<Evaluation.Placed> place() throws IOException {
    DataFolder folder = new DataFolder(data.orElseGet(EvalCommand::standardData));
    List<Evaluation.Placed> placed = new ArrayList<>();
    for (String name : tasks) {
      if (name.endsWith(".yaml") || name.endsWith(".yml")) {
        Path file = Path.of(name);
        Task task = TaskReader.file(file);
        placed.add(
            new Evaluation.Placed(
                task, new DataFolder(file.toAbsolutePath().normalize().getParent())));
      } else {
        placed.add(new Evaluation.Placed(TaskReader.named(name), folder));
      }
    }
    return placed;
  }

  private static Path standardData() {
    String shared = System.getenv("GRAFT_SHARED");
    return shared == null ? Path.of("data") : Path.of(shared, "data", "eval");
  }

  private List<TaskScores> evaluate(
      Path path, String name, List<Evaluation.Placed> tasks, ItemLog log) throws IOException {
    List<TaskScores> scores = new ArrayList<>();
    Evaluation.Options options =
        new Evaluation.Options(
            shots.map(OptionalInt::of).orElse(OptionalInt.empty()),
            limit.orElse(Integer.MAX_VALUE),
            chat);
    try (PlacedModel model =
        PlacedModel.open(
            path,
            engine,
            maxContext.orElse(Integer.MAX_VALUE),
            new PlacedModel.CacheSize(CONTEXTS, OptionalLong.empty()),
            spec -> RoutingObserver.NONE)) {
      EngineModel asked =
          new EngineModel(
              name,
              model.forward(),
              model.tokenizer(),
              ChatTemplate.find(path),
              model.ends(),
              model.context());
      Evaluation.Candidate candidate =
          new Evaluation.Candidate(
              asked, ModelNames.identity(path) + engine.cache + " " + model.context());
      for (Evaluation.Placed task : tasks) {
        try (EvalProgress progress = new EvalProgress()) {
          scores.add(new Evaluation(log, options, progress).run(candidate, task));
        }
      }
    }
    return scores;
  }
}
