package dev.graft.cli;

import dev.graft.checkpoint.CheckpointWriter;
import dev.graft.checkpoint.Gating;
import dev.graft.checkpoint.InvalidInputException;
import dev.graft.upcycle.Upcycle;
import dev.graft.upcycle.UpcycleOptions;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.OptionalLong;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code graft upcycle}: a dense checkpoint becomes an MoE. */
@Command(
    name = "upcycle",
    mixinStandardHelpOptions = true,
    description = "Copies the FFNs of a dense model into experts behind a fresh gate.")
final class UpcycleCommand implements Callable<Integer> {
  /** Largest difference of logits that --check accepts. */
  private static final double TOLERANCE = 1e-4;

  @Parameters(index = "0", paramLabel = "DENSE", description = "A dense Hugging Face directory.")
  private Path dense;

  @Parameters(index = "1", paramLabel = "OUT", description = "The directory to write.")
  private Path out;

  @Option(
      names = "--experts",
      required = true,
      paramLabel = "N",
      description = "Experts per layer.")
  private int experts;

  @Option(names = "--top-k", required = true, paramLabel = "K", description = "Experts per token.")
  private int topK;

  @Option(
      names = "--gating",
      defaultValue = "normalized",
      description =
          "normalized writes the Skywork-MoE form, softmax the Mixtral form. Default: ${DEFAULT-VALUE}.")
  private String gating;

  @Option(
      names = "--gate-norm-std",
      defaultValue = "1.0",
      description = "λ of the normalised gate. Default: ${DEFAULT-VALUE}.")
  private double gateNormStd;

  @Option(
      names = "--experts-from",
      split = ",",
      paramLabel = "DIR",
      description =
          "Dense models of the same shape and tokenizer; expert e comes from the e-th, in turns.")
  private List<Path> expertsFrom = List.of();

  @Option(
      names = "--noise",
      defaultValue = "0",
      paramLabel = "STD",
      description =
          "Gaussian noise on expert weights, relative to each matrix's standard deviation.")
  private double noise;

  @Option(
      names = "--reinit-fraction",
      defaultValue = "0",
      paramLabel = "R",
      description = "Share of each expert's FFN columns to draw anew (drop-upcycling).")
  private double reinitFraction;

  @Option(
      names = "--seed",
      defaultValue = "1",
      description = "Of gate, noise and reinitialisation.")
  private long seed;

  @Option(
      names = "--max-shard-size",
      defaultValue = "5GB",
      description = "Largest weights file. Default: ${DEFAULT-VALUE}.")
  private String maxShardSize;

  @Option(
      names = "--with-modeling",
      description = "Add the Python files by which transformers loads the normalised form.")
  private boolean withModeling;

  @Option(
      names = "--check",
      description =
          "Run both models side by side and print the largest difference of logits; more than 1e-4 is a failure, unless noise, reinitialisation or several sources make one.")
  private boolean check;

  @Override
  public Integer call() throws IOException {
    UpcycleOptions options =
        new UpcycleOptions(
            experts,
            topK,
            gating(),
            gateNormStd,
            expertsFrom,
            noise,
            reinitFraction,
            withModeling,
            seed,
            CheckpointWriter.parseSize(maxShardSize));
    try (Progress progress =
        Progress.bytes("upcycle", OptionalLong.of(Upcycle.outputBytes(dense, options)))) {
      Upcycle.run(dense, out, options, progress::add);
    }
    System.out.println(
        "wrote " + out + ": " + experts + " experts, top-" + topK + ", " + gating + " gate");
    return check ? check(options) : ExitCode.DONE.code();
  }

  private int check(UpcycleOptions options) throws IOException {
    double difference = UpcycleCheck.largestDifference(dense, out);
    boolean exact = !options.diversifies() && options.expertSources().size() <= 1;
    System.out.println(
        String.format(Locale.ROOT, "check: largest difference of logits %.3g", difference)
            + (exact ? "" : " (the experts differ on purpose)"));
    if (exact && !(difference <= TOLERANCE)) {
      throw new IOException(
          out
              + ": the upcycled model's logits differ from "
              + dense
              + " by "
              + difference
              + ", more than "
              + TOLERANCE);
    }
    return ExitCode.DONE.code();
  }

  private Gating gating() {
    return switch (gating) {
      case "normalized" -> Gating.NORMALIZED;
      case "softmax" -> Gating.SOFTMAX;
      default ->
          throw new InvalidInputException(
              "--gating is '" + gating + "'; it is normalized or softmax");
    };
  }
}
