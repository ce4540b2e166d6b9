package dev.graft.search;

import dev.graft.cluster.Cluster;
import dev.graft.cost.CostModel;
import dev.graft.cost.Job;
import dev.graft.cost.Software;
import dev.graft.cost.TransformerShape;

/**
 * What is to be planned.
 *
 * @param shape the model
 * @param cluster all of whose devices are to be used
 * @param job sequence, global batch, dtype, ZeRO
 * @param software what the training software hides and fuses
 * @param fixed what the user holds
 * @param model where costs come from
 */
public record PlanRequest(
    TransformerShape shape,
    Cluster cluster,
    Job job,
    Software software,
    Fixed fixed,
    CostModel model) {
  /** The same with other parts of the mesh held. */
  public PlanRequest with(Fixed other) {
    return new PlanRequest(shape, cluster, job, software, other, model);
  }

  /** The same on another cluster. */
  public PlanRequest on(Cluster other) {
    return new PlanRequest(shape, other, job, software, fixed, model);
  }
}
