package dev.graft.memory;

import dev.graft.cost.Job;
import dev.graft.cost.LayerCosts;
import dev.graft.cost.Parallelism;
import dev.graft.cost.Part;
import dev.graft.cost.PartCost;
import dev.graft.pipeline.OneForwardOneBackward;

/**
 * The memory of a rank of a pipeline stage: state as ZeRO shards it (arXiv 1910.02054, section 3),
 * activations of the micro-batches that 1F1B keeps alive (arXiv 2205.05198, section 4.2.3), what
 * one part needs while it runs, and what is there besides tensors.
 */
public final class StageMemory {
  /** Context of the device, buffers of exchanges, work space of products. */
  private static final double BESIDES = 2e9;

  /** What an allocator of blocks holds beyond what was asked for, as a share of what moves. */
  private static final double SCATTERED = 0.05;

  private final Job job;
  private final Parallelism mesh;
  private final int microBatches;

  /** Of a job on a mesh. */
  public StageMemory(Job job, Parallelism mesh, int microBatches) {
    this.job = job;
    this.mesh = mesh;
    this.microBatches = microBatches;
  }

  /**
   * Layers of one kind of a stage.
   *
   * @param part of which kind
   * @param count how many
   * @param recomputed how many of them are recomputed whole
   */
  public record Layers(Part part, int count, double recomputed) {}

  /**
   * A rank at its fullest.
   *
   * @param costs of the stage's parts
   * @param trunk parameters of a rank that are replicated over DP × CP
   * @param experts parameters of a rank's experts
   */
  public MemoryUse of(
      LayerCosts costs, int stage, Iterable<Layers> layers, double trunk, double experts) {
    double passes =
        OneForwardOneBackward.alive(stage, mesh.pp(), mesh.chunks(), microBatches)
            / (double) mesh.chunks();
    double activations = 0;
    double working = 0;
    for (Layers some : layers) {
      if (some.count() > 0) {
        PartCost cost = costs.of(some.part());
        activations +=
            passes
                * ((some.count() - some.recomputed()) * cost.kept()
                    + some.recomputed() * cost.keptIfRecomputed());
        double again = some.recomputed() > 0 ? cost.kept() : 0;
        working = Math.max(working, cost.working() + again);
      }
    }
    if (stage == 0) {
      working = Math.max(working, costs.of(Part.EMBEDDING).working());
    }
    if (stage == mesh.pp() - 1) {
      // The head's backward pass follows its forward pass, so it keeps one micro-batch.
      activations += costs.of(Part.HEAD).kept();
      working = Math.max(working, costs.of(Part.HEAD).working());
    }
    double parameters = trunk + experts;
    double sharded = trunk / mesh.trunkReplicas() + experts / mesh.expertReplicas();
    return new MemoryUse(
        (job.zero() > 2 ? sharded : parameters) * job.type().activationBytes(),
        (job.zero() > 1 ? sharded : parameters) * job.gradientBytes(),
        (job.zero() > 0 ? sharded : parameters) * job.optimizerBytes(),
        activations,
        working,
        BESIDES + SCATTERED * (activations + working));
  }
}
