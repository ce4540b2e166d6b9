package dev.graft.cost;

import dev.graft.cluster.Cluster;
import dev.graft.cluster.Device;

/**
 * One way to run a job, as far as a layer's cost depends on it.
 *
 * @param shape the model
 * @param microBatch sequences of a micro-batch
 * @param recompute what every layer computes twice, at most {@link Recompute#SELECTIVE}: how many
 *     layers are recomputed whole is the plan's choice
 * @param device of the stage
 * @param cluster whose networks connect the ranks
 * @param software what of it is known to hide and fuse
 */
public record Setting(
    TransformerShape shape,
    Job job,
    Parallelism parallelism,
    int microBatch,
    Recompute recompute,
    Device device,
    Cluster cluster,
    Software software) {}
