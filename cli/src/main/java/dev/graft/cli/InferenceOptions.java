package dev.graft.cli;

import dev.graft.checkpoint.InvalidInputException;
import dev.graft.cluster.Cluster;
import dev.graft.cost.TransformerShape;
import dev.graft.inference.InferencePlan;
import dev.graft.inference.PublishedRate;
import dev.graft.inference.Serving;
import dev.graft.layout.Shares;
import dev.graft.layout.WeightScheme;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import picocli.CommandLine.Option;

/** What {@code graft plan} is asked about serving. */
final class InferenceOptions {
  @Option(
      names = "--inference",
      paramLabel = "fp8|q8|bf16|f16|f32",
      description =
          "Plan serving, with weights stored so: who holds what under tensor parallelism over all"
              + " devices, whether it fits, and tokens/s over batch sizes.")
  private Optional<String> weights = Optional.empty();

  @Option(
      names = "--prompt",
      paramLabel = "N",
      defaultValue = "256",
      description = "With --inference: tokens of a prompt (${DEFAULT-VALUE}).")
  private int prompt;

  @Option(
      names = "--generate",
      paramLabel = "N",
      defaultValue = "256",
      description = "With --inference: tokens generated after it (${DEFAULT-VALUE}).")
  private int generate;

  @Option(
      names = "--batch",
      paramLabel = "B",
      split = ",",
      description = "With --inference: batch sizes to look at (powers of two up to what fits).")
  private List<Integer> batches = List.of();

  @Option(
      names = "--kv-dtype",
      paramLabel = "f32|bf16|fp8",
      defaultValue = "bf16",
      description = "With --inference: how the key/value cache is stored (${DEFAULT-VALUE}).")
  private String cache;

  @Option(
      names = "--shares",
      paramLabel = "5,3,1",
      description =
          "With --inference: how strong each device is (equal, by bandwidth or by memory: what fits"
              + " and serves the most).")
  private Optional<String> shares = Optional.empty();

  /** Whether serving is asked about. */
  boolean asked() {
    return weights.isPresent();
  }

  /**
   * Plans it.
   *
   * @param model as it was named
   * @param clusterName as it was named
   */
  InferenceFacts facts(String model, TransformerShape shape, String clusterName, Cluster cluster) {
    WeightScheme scheme = scheme();
    InferencePlan plan =
        InferencePlan.of(
            shape,
            cluster,
            new Serving(scheme, cacheBytes(), Serving.MEMORY_SHARE),
            shares.map(text -> Shares.parse(text, cluster.size())),
            prompt,
            generate,
            batches);
    return new InferenceFacts(
        model,
        plan,
        PublishedRate.of(model, clusterName.replaceFirst("[x×]\\d+$", ""), cluster.size(), scheme));
  }

  private WeightScheme scheme() {
    String name = weights.orElseThrow();
    for (WeightScheme scheme : WeightScheme.values()) {
      if (scheme.name().toLowerCase(Locale.ROOT).equals(name)) {
        return scheme;
      }
    }
    throw new InvalidInputException(
        "--inference is '" + name + "'; choose one of fp8, q8, bf16, f16, f32");
  }

  private int cacheBytes() {
    return switch (cache) {
      case "fp8" -> 1;
      case "bf16" -> 2;
      case "f32" -> 4;
      default ->
          throw new InvalidInputException(
              "--kv-dtype is '" + cache + "'; choose one of f32, bf16, fp8");
    };
  }
}
