package dev.graft.cli;

import dev.graft.checkpoint.Checkpoint;
import dev.graft.checkpoint.CheckpointWriter;
import dev.graft.checkpoint.InvalidInputException;
import dev.graft.checkpoint.ModelSpec;
import dev.graft.quantize.QuantizeOptions;
import dev.graft.quantize.Quantized;
import dev.graft.quantize.Quantizer;
import dev.graft.quantize.Scheme;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.node.ObjectNode;

/** {@code graft quantize}: a copy of a model with weights of 8 bits. */
@Command(
    name = "quantize",
    mixinStandardHelpOptions = true,
    description =
        "Writes a copy of a model with weights of 8 bits and prints how far each kind of weight moved.")
final class QuantizeCommand implements Callable<Integer> {
  /** Tokens of a window where neither the model nor the user asks for less. */
  private static final int WINDOW = 1024;

  @Parameters(index = "0", paramLabel = "DIR", description = "A Hugging Face directory.")
  private Path directory;

  @Parameters(index = "1", paramLabel = "OUT", description = "The directory to write.")
  private Path out;

  @Option(
      names = "--scheme",
      required = true,
      paramLabel = "fp8|q8",
      description = "fp8 (E4M3), or q8: signed bytes with a float16 scale for each 32, for CPUs.")
  private String scheme;

  @Option(
      names = "--granularity",
      paramLabel = "tensor|channel|block",
      description =
          "What shares an fp8 scale: a tensor (the default; vLLM's fp8 method), a row (compressed-tensors' FP8_DYNAMIC) or 128 × 128 (as DeepSeek and Qwen release models).")
  private Optional<String> granularity = Optional.empty();

  @Option(
      names = "--lm-head",
      description = "The output head too; this unties it from the embedding.")
  private boolean lmHead;

  @Option(
      names = "--max-shard-size",
      defaultValue = "5GB",
      description = "Largest weights file. Default: ${DEFAULT-VALUE}.")
  private String maxShardSize;

  @Option(
      names = "--text",
      paramLabel = "FILE",
      description =
          "A UTF-8 text: perplexity on it before and after, and how far the predictions moved.")
  private Optional<Path> text = Optional.empty();

  @Option(
      names = "--context",
      paramLabel = "N",
      description = "Tokens of a window of --text; 1,024, or the model's longest if that is less.")
  private Optional<Integer> context = Optional.empty();

  @Option(names = "--verbose", description = "A line for each tensor, not for each kind.")
  private boolean verbose;

  @Option(names = "--json", description = "One JSON object, every tensor in it.")
  private boolean json;

  @Override
  public Integer call() throws IOException {
    QuantizeOptions options =
        new QuantizeOptions(
            Scheme.of(scheme, granularity), lmHead, CheckpointWriter.parseSize(maxShardSize));
    List<int[]> windows = text.isPresent() ? windows(text.get()) : List.of();
    Quantized result;
    try (Progress progress =
        Progress.bytes("quantize", OptionalLong.of(Quantizer.outputBytes(directory, options)))) {
      result = Quantizer.run(directory, out, options, progress::add);
    }
    result.warnings().forEach(warning -> System.err.println("graft: warning: " + warning));
    QuantizeReport report = new QuantizeReport(result);
    if (!json) {
      System.out.print(report.table(verbose));
      System.out.println(report.sentence(out));
    }
    Optional<TextCost> cost = windows.isEmpty() ? Optional.empty() : Optional.of(cost(windows));
    if (json) {
      ObjectNode facts = report.json();
      cost.ifPresent(c -> c.put(facts.putObject("text")));
      System.out.println(facts);
    } else {
      cost.ifPresent(c -> System.out.println(c.sentence()));
    }
    return ExitCode.DONE.code();
  }

  /** Read before anything is written, so that a text that cannot be used stops the run at once. */
  private List<int[]> windows(Path file) throws IOException {
    ModelSpec spec;
    try (Checkpoint checkpoint = Checkpoint.open(directory)) {
      spec = checkpoint.spec();
    }
    int longest = spec.maxPositionEmbeddings();
    int wanted = context.orElse(Math.min(WINDOW, longest));
    if (wanted > longest) {
      throw new InvalidInputException(
          "--context is "
              + wanted
              + ", but max_position_embeddings of "
              + directory
              + " is "
              + longest);
    }
    return TextWindows.read(directory, file, wanted);
  }

  private TextCost cost(List<int[]> windows) throws IOException {
    OptionalLong tokens = OptionalLong.of((long) windows.size() * windows.getFirst().length);
    try (Progress progress = Progress.of("perplexity", new Progress.Unit("tokens", 1), 0, tokens)) {
      return TextCost.measure(directory, out, windows, progress::add);
    }
  }
}
