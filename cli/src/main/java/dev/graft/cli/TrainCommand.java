package dev.graft.cli;

import dev.graft.events.Event;
import dev.graft.loop.Recipe;
import dev.graft.loop.RecipeReader;
import dev.graft.loop.RunListener;
import dev.graft.loop.Trainer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
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

  @Option(names = "--resume", description = "Go on from the newest checkpoint of the recipe's out.")
  private boolean resume;

  @Option(names = "--print-config", description = "Print the recipe with every default and exit.")
  private boolean printConfig;

  @Override
  public Integer call() throws IOException {
    Recipe read = RecipeReader.read(recipe, overrides);
    if (printConfig) {
      System.out.print(RecipeReader.print(read));
      return ExitCode.DONE.code();
    }
    Trainer.Result result = train(read);
    System.out.println(summary(read, result));
    return ExitCode.DONE.code();
  }

  private Trainer.Result train(Recipe read) throws IOException {
    try (Listener listener = new Listener()) {
      Trainer trainer = new Trainer(read, listener);
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
