package dev.graft.cli;

import dev.graft.decoder.DecoderOptions;
import dev.graft.layout.Shares;
import java.util.Optional;
import picocli.CommandLine.Option;

/** Options of every verb that runs the inference engine in this process. */
final class EngineOptions {
  @Option(names = "--threads", description = "Threads (all cores).")
  int threads = Runtime.getRuntime().availableProcessors();

  @Option(
      names = "--kv-dtype",
      defaultValue = "F32",
      description = "Type of the key/value cache: ${COMPLETION-CANDIDATES} (${DEFAULT-VALUE}).")
  DecoderOptions.CacheType cache;

  @Option(
      names = "--tp",
      defaultValue = "1",
      description = "Tensor-parallel ranks, threads of this process (${DEFAULT-VALUE}).")
  int tp;

  @Option(
      names = "--shares",
      description = "How strong each rank is, such as 5,3,1; equal ranks without.")
  private Optional<String> shares = Optional.empty();

  @Option(
      names = "--verbose",
      description = "Says on standard error which kernels compute, and why these.")
  boolean verbose;

  /** How many ranks. */
  int ranks() {
    return shares().ranks();
  }

  Shares shares() {
    return shares
        .map(text -> tp > 1 ? Shares.parse(text, tp) : Shares.parse(text))
        .orElseGet(() -> Shares.equal(tp));
  }
}
