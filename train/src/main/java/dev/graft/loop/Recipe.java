package dev.graft.loop;

import dev.graft.layout.Mesh;
import dev.graft.network.Precision;
import dev.graft.routing.Balance;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import tools.jackson.databind.node.ObjectNode;

/**
 * A whole training run as data; {@code defaults.yaml} beside this class says what each key means.
 *
 * @param start the model to start from
 * @param tokenizer where the tokenizer is when training from scratch
 * @param timelineSteps steps of which it is recorded what each rank did when and held
 * @param asWritten the recipe with its defaults, for logs and reports
 */
public record Recipe(
    Start start,
    Optional<Path> tokenizer,
    Data data,
    int sequenceLength,
    int globalBatchSize,
    int microBatchSize,
    int steps,
    long seed,
    Precision precision,
    String device,
    int threads,
    boolean deterministic,
    int recomputeLayers,
    List<String> freeze,
    Optimizer optimizer,
    Routing routing,
    Validation validation,
    Checkpointing checkpointing,
    int similarityEvery,
    List<Integer> timelineSteps,
    Samples samples,
    Parallel parallel,
    boolean tensorboard,
    String name,
    Path out,
    Map<String, Object> asWritten) {

  /** What training starts from. */
  public sealed interface Start {
    /** A Hugging Face directory. */
    record Directory(Path path) implements Start {}

    /** Fresh weights of the shape that these {@code config.json} keys give. */
    record Scratch(ObjectNode config) implements Start {}
  }

  /** One training dataset: its prefix and its share of the mix. */
  public record Source(Path tokens, double weight) {}

  /** The datasets. */
  public record Data(List<Source> train, Optional<Path> validation, boolean maskDocuments) {}

  /** AdamW and its schedule. */
  public record Optimizer(
      double lr,
      double minLr,
      Schedule.Kind schedule,
      double wsdDecayFraction,
      int warmupSteps,
      double weightDecay,
      double beta1,
      double beta2,
      double eps,
      double clip,
      double expertLrScale) {}

  /** Routing; empty gating and λ mean the model's own. */
  public record Routing(
      Optional<dev.graft.checkpoint.Gating> gating,
      OptionalDouble gateNormStd,
      OptionalDouble capacityFactor,
      double zLoss,
      Balance balance) {}

  /** When and on how many sequences validation runs; 0 sequences means all. */
  public record Validation(int every, int sequences) {}

  /** When checkpoints are written and how many are kept. */
  public record Checkpointing(int every, int keep) {}

  /** When, from what and how much text is sampled. */
  public record Samples(int every, List<String> prompts, int tokens) {}

  /**
   * How the run is dealt out to processes.
   *
   * @param stages layers of each stretch of a pipeline, in the model's order; empty means even
   * @param recompute recomputed layers of each; empty means by {@code recompute_layers}
   * @param interleave stretches per stage
   */
  public record Parallel(
      Mesh mesh, List<Integer> stages, List<Integer> recompute, int interleave) {}

  /** Micro-batches of a step. */
  public int microBatches() {
    return globalBatchSize / microBatchSize;
  }
}
