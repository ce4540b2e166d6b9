package dev.graft.cli;

import dev.graft.checkpoint.InvalidInputException;
import dev.graft.events.Event;
import dev.graft.loop.Recipe;
import dev.graft.loop.RecipeReader;
import dev.graft.loop.RunListener;
import dev.graft.loop.Trainer;
import dev.graft.parallel.Team;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code graft train}: runs a recipe. */
@Command(
    name = "train",
    mixinStandardHelpOptions = true,
    description = "Trains a dense, upcycled or fresh model by a recipe.",
    footer = {
      "",
      "One process alone, or one rank of several: RANK and WORLD_SIZE of torchrun and graft launch, SLURM_PROCID,",
      "and OMPI_COMM_WORLD_RANK say which.",
      "",
      "SIGTERM and Ctrl-C save after the step that is running and exit with 0; --resume goes on."
    })
final class TrainCommand implements Callable<Integer> {
  @Parameters(index = "0", paramLabel = "RECIPE", description = "A YAML file.")
  private Path recipe;

  @Parameters(
      index = "1..*",
      arity = "0..*",
      paramLabel = "KEY=VALUE",
      description = "Overrides, such as optimizer.lr=1e-3.")
  private List<String> overrides = List.of();

  @Option(
      names = "--plan",
      paramLabel = "FILE",
      description = "Keys that replace the recipe's, as graft plan --output writes them.")
  private Optional<Path> plan = Optional.empty();

  @Option(names = "--resume", description = "Go on from the newest checkpoint of the recipe's out.")
  private boolean resume;

  @Option(names = "--print-config", description = "Print the recipe with every default and exit.")
  private boolean printConfig;

  @Option(
      names = "--timeout",
      paramLabel = "SECONDS",
      defaultValue = "30",
      description =
          "As one rank of several: how long to wait for one that is silent (${DEFAULT-VALUE}).")
  private int timeout;

  @Override
  public Integer call() throws IOException {
    PlannedRecipe planned = PlannedRecipe.read(recipe, plan, overrides);
    Recipe read = planned.recipe();
    if (printConfig) {
      System.out.print(RecipeReader.print(read));
      return ExitCode.DONE.code();
    }
    Optional<RankVariables> place = RankVariables.of(System.getenv());
    if (place.isEmpty() || place.get().rank() == 0) {
      planned.choice().ifPresent(choice -> System.err.println("graft: " + choice));
    }
    if (place.isEmpty()) {
      System.out.println(summary(read, train(read, Team.alone())));
    } else {
      asRank(place.get(), read);
    }
    return ExitCode.DONE.code();
  }

  private void asRank(RankVariables place, Recipe read) throws IOException {
    if (timeout < 1) {
      throw new InvalidInputException("--timeout is " + timeout + "; give at least 1 second");
    }
    Recipe shared = shareCores(place, read);
    Trainer.Result result =
        TrainingRank.run(place, shared, Duration.ofSeconds(timeout), team -> train(shared, team));
    if (place.rank() == 0) {
      System.out.println(summary(read, result));
    }
  }

  /** Ranks of one host share its cores where the recipe does not say how many each takes. */
  private Recipe shareCores(RankVariables place, Recipe read) throws IOException {
    if (!Integer.valueOf(0).equals(read.asWritten().get("threads"))) {
      return read;
    }
    int cores = Runtime.getRuntime().availableProcessors();
    List<String> more = new ArrayList<>(overrides);
    more.add("threads=" + Math.max(1, cores / place.localSize()));
    return PlannedRecipe.read(recipe, plan, more).recipe();
  }

  private Trainer.Result train(Recipe read, Team team) throws IOException {
    try (Listener listener = new Listener()) {
      Trainer trainer = new Trainer(read, listener, team);
      try (SaveOnTermination watch = SaveOnTermination.of(trainer::requestStop)) {
        Trainer.Result result = trainer.run(resume);
        watch.saved();
        return result;
      }
    }
  }

  private static String summary(Recipe recipe, Trainer.Result result) {
    String validation =
        result
            .validationLoss()
            .map(v -> String.format(Locale.ROOT, ", validation loss %.4f", v))
            .orElse("");
    return (result.finished() ? "trained " : "stopped after ")
        + result.step()
        + " of "
        + recipe.steps()
        + " steps"
        + (Double.isNaN(result.loss())
            ? ""
            : String.format(Locale.ROOT, ", loss %.4f", result.loss()))
        + validation
        + ": "
        + result.checkpoint();
  }

  /** Shows a run's events as progress. */
  static final class Listener implements RunListener, AutoCloseable {
    private Progress progress;

    @Override
    public void started(int done, int steps) {
      progress = Progress.steps("train", done, steps);
    }

    @Override
    public void event(Event event) {
      if (event instanceof Event.Step step) {
        progress.message(
            String.format(
                Locale.ROOT, "loss %.4f  %.0f tokens/s", step.loss(), step.tokensPerSecond()));
        progress.to(step.step());
      } else if (event instanceof Event.Validation validation) {
        progress.message(String.format(Locale.ROOT, "validation loss %.4f", validation.loss()));
      }
    }

    @Override
    public void close() {
      if (progress != null) {
        progress.close();
        progress = null;
      }
    }
  }
}
