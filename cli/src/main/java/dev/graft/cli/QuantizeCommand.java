package dev.graft.cli;

import dev.graft.checkpoint.CheckpointWriter;
import dev.graft.quantize.QuantizeOptions;
import dev.graft.quantize.Quantized;
import dev.graft.quantize.Quantizer;
import dev.graft.quantize.Scheme;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code graft quantize}: a copy of a model with weights of 8 bits. */
@Command(
    name = "quantize",
    mixinStandardHelpOptions = true,
    description =
        "Writes a copy of a model with weights of 8 bits and prints how far each kind of weight moved.")
final class QuantizeCommand implements Callable<Integer> {
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

  @Option(names = "--verbose", description = "A line for each tensor, not for each kind.")
  private boolean verbose;

  @Option(names = "--json", description = "One JSON object, every tensor in it.")
  private boolean json;

  @Override
  public Integer call() throws IOException {
    QuantizeOptions options =
        new QuantizeOptions(
            Scheme.of(scheme, granularity), lmHead, CheckpointWriter.parseSize(maxShardSize));
    Quantized result;
    try (Progress progress =
        Progress.bytes("quantize", OptionalLong.of(Quantizer.outputBytes(directory, options)))) {
      result = Quantizer.run(directory, out, options, progress::add);
    }
    result.warnings().forEach(warning -> System.err.println("graft: warning: " + warning));
    QuantizeReport report = new QuantizeReport(result);
    if (json) {
      System.out.println(report.json());
    } else {
      System.out.print(report.table(verbose));
      System.out.println(report.sentence(out));
    }
    return ExitCode.DONE.code();
  }
}
