package dev.graft.cli;

import dev.graft.sample.SamplingOptions;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import picocli.CommandLine.Option;
import tools.jackson.databind.JsonNode;

/**
 * How tokens are drawn. What is not given comes from the model's {@code generation_config.json}, as
 * in transformers; without one, the most likely token is taken.
 */
final class SamplingFlags {
  @Option(names = "--temperature", description = "0 always takes the most likely token.")
  private Optional<Double> temperature = Optional.empty();

  @Option(names = "--top-k", description = "Keep the k most likely tokens; 0 keeps all.")
  private Optional<Integer> topK = Optional.empty();

  @Option(names = "--top-p", description = "Keep the most likely tokens up to this share.")
  private Optional<Double> topP = Optional.empty();

  @Option(
      names = "--min-p",
      description = "Keep tokens at least this share as likely as the most likely one.")
  private Optional<Double> minP = Optional.empty();

  @Option(names = "--repetition-penalty", description = "Above 1 makes seen tokens less likely.")
  private Optional<Double> repetitionPenalty = Optional.empty();

  @Option(names = "--seed", description = "Of the random numbers; the same seed, the same text.")
  private Optional<Long> seed = Optional.empty();

  SamplingOptions of(Path model) throws IOException {
    JsonNode config = ModelSampling.config(model);
    boolean samples = config.path("do_sample").asBoolean(false);
    return new SamplingOptions(
        temperature.orElse(samples ? config.path("temperature").asDouble(1) : 0),
        topK.orElse(config.path("top_k").asInt(50)),
        topP.orElse(config.path("top_p").asDouble(1)),
        minP.orElse(config.path("min_p").asDouble(0)),
        repetitionPenalty.orElse(config.path("repetition_penalty").asDouble(1)),
        seed.orElseGet(System::nanoTime));
  }
}
