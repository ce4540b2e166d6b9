package dev.graft.search;

import dev.graft.cost.Parallelism;
import dev.graft.cost.Recompute;
import java.util.List;
import java.util.Map;

/**
 * One way to run a job with what it is predicted to take.
 *
 * @param parallelism the mesh
 * @param microBatch sequences of a micro-batch
 * @param microBatches of a step, a replica
 * @param recompute what layers that are not recomputed whole compute twice
 * @param stages first to last
 * @param seconds of a step
 * @param tokensPerSecondPerDevice throughput
 * @param modelFlops FLOP/s a device by {@code TransformerShape.trainingFlopsPerToken}
 * @param mfu {@code modelFlops} as a share of the peak
 * @param terms seconds of a step of the slowest stage, by what takes them; they add up to {@code
 *     seconds}
 * @param binds one sentence: what keeps it from being faster
 */
public record Plan(
    Parallelism parallelism,
    int microBatch,
    int microBatches,
    Recompute recompute,
    List<StagePlan> stages,
    double seconds,
    double tokensPerSecondPerDevice,
    double modelFlops,
    double mfu,
    Map<String, Double> terms,
    String binds) {
  /** Keeps its own lists; the terms keep their order. */
  public Plan {
    stages = List.copyOf(stages);
    terms = java.util.Collections.unmodifiableMap(new java.util.LinkedHashMap<>(terms));
  }

  /** Layers of each stage. */
  public List<Integer> layers() {
    return stages.stream().map(StagePlan::layers).toList();
  }

  /** Layers recomputed on each stage. */
  public List<Integer> recomputed() {
    return stages.stream().map(StagePlan::recomputed).toList();
  }
}
