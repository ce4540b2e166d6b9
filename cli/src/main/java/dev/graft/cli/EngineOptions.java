package dev.graft.cli;

import dev.graft.decoder.DecoderOptions;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Options of every verb that writes text with the inference engine. */
final class EngineOptions {
  @Option(names = "--threads", description = "Threads (all cores).")
  int threads = Runtime.getRuntime().availableProcessors();

  @Option(
      names = "--kv-dtype",
      defaultValue = "F32",
      description = "Type of the key/value cache: ${COMPLETION-CANDIDATES} (${DEFAULT-VALUE}).")
  DecoderOptions.CacheType cache;

  @Mixin RankOptions ranks;

  @Option(
      names = "--verbose",
      description = "Says on standard error which kernels compute, and why these.")
  boolean verbose;
}
