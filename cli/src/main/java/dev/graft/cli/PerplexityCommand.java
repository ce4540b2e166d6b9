package dev.graft.cli;

import dev.graft.checkpoint.Checkpoint;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.OptionalLong;
import java.util.concurrent.Callable;
import java.util.stream.DoubleStream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** {@code graft perplexity}: how well a model predicts a text. */
@Command(
    name = "perplexity",
    mixinStandardHelpOptions = true,
    description = "Measures the perplexity of a text file under a model.")
final class PerplexityCommand implements Callable<Integer> {
  @Parameters(paramLabel = "DIR", description = "A Hugging Face directory or a GGUF file.")
  private Path model;

  @Option(names = "--text", required = true, description = "A UTF-8 text file.")
  private Path text;

  @Option(
      names = "--context",
      defaultValue = "1024",
      description = "Tokens of a window; windows do not overlap (${DEFAULT-VALUE}).")
  private int context;

  @Option(names = "--threads", description = "Threads (all cores).")
  private int threads = Runtime.getRuntime().availableProcessors();

  @Option(names = "--json", description = "One JSON object.")
  private boolean json;

  /** What was scored so far. */
  private static final class Sum {
    private double losses;
    private long tokens;

    double mean() {
      return losses / tokens;
    }
  }

  @Override
  public Integer call() throws IOException {
    List<int[]> windows = TextWindows.read(model, text, context);
    Sum sum = new Sum();
    try (Checkpoint checkpoint = Checkpoint.open(model);
        Progress progress =
            Progress.of(
                "perplexity",
                new Progress.Unit("tokens", 1),
                0,
                OptionalLong.of((long) windows.size() * context))) {
      int vocab = checkpoint.spec().vocabSize();
      Perplexity.walk(
          checkpoint,
          windows,
          threads,
          (window, position, logits) -> {
            double[] losses =
                Perplexity.negativeLogLikelihoods(windows.get(window), position, logits, vocab);
            sum.losses += DoubleStream.of(losses).sum();
            sum.tokens += losses.length;
            progress.message(String.format(Locale.ROOT, "perplexity %.3f", Math.exp(sum.mean())));
          },
          progress::add);
    }
    if (json) {
      ObjectNode facts = JsonMapper.shared().createObjectNode();
      facts.put("model", model.toString());
      facts.put("text", text.toString());
      facts.put("context", context);
      facts.put("windows", windows.size());
      facts.put("tokens", sum.tokens);
      facts.put("nll", sum.mean());
      facts.put("perplexity", Math.exp(sum.mean()));
      System.out.println(JsonMapper.shared().writeValueAsString(facts));
    } else {
      System.out.println(
          String.format(
              Locale.ROOT,
              "perplexity %.4f over %,d tokens in %d windows of %d",
              Math.exp(sum.mean()),
              sum.tokens,
              windows.size(),
              context));
    }
    return ExitCode.DONE.code();
  }
}
