package dev.graft.cli;

import dev.graft.demo.Demo;
import dev.graft.demo.DemoListener;
import dev.graft.demo.DemoOptions;
import dev.graft.demo.DemoResult;
import dev.graft.demo.RunOutcome;
import dev.graft.events.Event;
import dev.graft.loop.RunListener;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** {@code graft demo}: dense continued, upcycled and from scratch, with a report. */
@Command(
    name = "demo",
    mixinStandardHelpOptions = true,
    description = {
      "Trains a tiny dense model on a corpus of its own, then spends one budget of tokens three"
          + " ways: dense continued, upcycled to experts, and experts from scratch. Needs no"
          + " download and a few minutes.",
      "With --from and --text it starts from a real checkpoint instead."
    })
final class DemoCommand implements Callable<Integer> {
  @Option(
      names = "--out",
      paramLabel = "DIR",
      description = "Where to write (default: the first of demo-1, demo-2, … that is not there).")
  private Optional<Path> out = Optional.empty();

  @Option(
      names = "--seed",
      defaultValue = "1",
      description = "Of corpus, weights and order (default: ${DEFAULT-VALUE}).")
  private long seed;

  @Option(
      names = "--from",
      paramLabel = "DIR",
      description = "A dense Hugging Face directory to start from; needs --text.")
  private Optional<Path> from = Optional.empty();

  @Option(
      names = "--text",
      paramLabel = "FILES",
      arity = "1..*",
      description = "Text for --from: .txt or .jsonl, plain, .gz or .zst.")
  private List<Path> texts = List.of();

  @Option(
      names = "--steps",
      paramLabel = "N",
      description =
          "Steps of 16 sequences for each of the three (default: 600, or what text there is up to 200).")
  private Optional<Integer> steps = Optional.empty();

  @Option(
      names = "--lr",
      paramLabel = "RATE",
      description = "Peak learning rate of all runs (default: 3e-3, or 5e-4 with --from).")
  private Optional<Double> learningRate = Optional.empty();

  @Override
  public Integer call() throws IOException {
    Path folder = out.orElseGet(DemoCommand::unused);
    DemoOptions options = new DemoOptions(folder, seed, from, texts, steps, learningRate);
    DemoResult result;
    try (Listener listener = new Listener()) {
      result = new Demo(options, listener).run();
    }
    print(result);
    return ExitCode.DONE.code();
  }

  private static Path unused() {
    for (int n = 1; ; n++) {
      Path folder = Path.of("demo-" + n);
      if (!Files.exists(folder)) {
        return folder;
      }
    }
  }

  private static void print(DemoResult result) {
    System.out.println();
    System.out.println("the upcycled model writes:");
    result.upcycled().samples().stream()
        .limit(2)
        .forEach(text -> System.out.println(text.strip().indent(2).stripTrailing()));
    System.out.println();
    System.out.println(
        String.format(
            Locale.ROOT,
            "after %,d tokens each: dense continued %.4f, upcycled %.4f, from scratch %.4f nats%s",
            result.upcycled().tokens(),
            result.denseContinued().validationLoss(),
            result.upcycled().validationLoss(),
            result.fromScratch().validationLoss(),
            result.floor().isPresent()
                ? String.format(Locale.ROOT, " (floor %.4f)", result.floor().getAsDouble())
                : ""));
    System.out.println(
        result.upcyclingHelped()
            ? "upcycling ended below dense continued"
            : "upcycling did not end below dense continued");
    System.out.println("wrote " + result.summary());
    System.out.println("wrote " + result.report());
  }

  /** Progress of the run that is going on, and a line for each that is done. */
  private static final class Listener implements DemoListener, AutoCloseable {
    private Optional<Progress> progress = Optional.empty();

    @Override
    public void done(String what) {
      System.out.println(what);
    }

    @Override
    public RunListener training(String run) {
      return new RunListener() {
        @Override
        public void started(int done, int steps) {
          progress = Optional.of(Progress.steps(run, done, steps));
        }

        @Override
        public void event(Event event) {
          if (event instanceof Event.Step step) {
            progress.ifPresent(p -> {
              p.message(
                  String.format(
                      Locale.ROOT,
                      "loss %.4f  %.0f tokens/s",
                      step.loss(),
                      step.tokensPerSecond()));
              p.to(step.step());
            });
          }
        }
      };
    }

    @Override
    public void trained(RunOutcome outcome) {
      close();
      System.out.println(
          String.format(
              Locale.ROOT,
              "%-17s %,9d parameters  %,9d tokens  %5.1f s  validation loss %.4f",
              outcome.name(),
              outcome.parameters(),
              outcome.tokens(),
              outcome.seconds(),
              outcome.validationLoss()));
    }

    @Override
    public void close() {
      progress.ifPresent(Progress::close);
      progress = Optional.empty();
    }
  }
}
