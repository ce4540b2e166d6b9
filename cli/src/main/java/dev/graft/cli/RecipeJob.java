package dev.graft.cli;

import dev.graft.checkpoint.InvalidInputException;
import dev.graft.checkpoint.ModelSpec;
import dev.graft.cluster.Cluster;
import dev.graft.cluster.ComputeType;
import dev.graft.cost.Job;
import dev.graft.cost.Parallelism;
import dev.graft.cost.Recompute;
import dev.graft.cost.Setting;
import dev.graft.cost.ShapeReader;
import dev.graft.cost.Software;
import dev.graft.layout.Mesh;
import dev.graft.layout.Range;
import dev.graft.loop.Recipe;
import dev.graft.loop.StagePlan;
import dev.graft.loop.StartingPoint;
import dev.graft.network.Precision;
import dev.graft.runs.Layout;
import java.io.IOException;

/** A recipe in the planner's words. */
final class RecipeJob {
  /** AdamW's two moments in float32. */
  private static final int MOMENT_BYTES = 8;

  private static final int FLOAT_BYTES = 4;

  /** What Graft's training loop does: attention keeps no scores, exchanges hide under nothing. */
  private static final Software SOFTWARE = new Software(true, false, false, false, false, 1);

  private RecipeJob() {}

  /** The model that a recipe trains. */
  static ModelSpec model(Recipe recipe) throws IOException {
    return StartingPoint.of(recipe).spec();
  }

  /** A recipe's run on devices. */
  static Setting setting(Recipe recipe, ModelSpec spec, Cluster cluster) {
    Mesh mesh = recipe.parallel().mesh();
    Job job =
        new Job(
            recipe.sequenceLength(),
            recipe.globalBatchSize(),
            type(recipe),
            MOMENT_BYTES,
            FLOAT_BYTES,
            mesh.zero(),
            recipe.routing().capacityFactor().orElse(0),
            1);
    return new Setting(
        ShapeReader.of(spec),
        job,
        Parallelism.of(
            mesh.pp(), recipe.parallel().interleave(), mesh.dp(), mesh.tp(), mesh.experts()),
        recipe.microBatchSize(),
        Recompute.NONE,
        cluster.device(0),
        cluster,
        SOFTWARE);
  }

  private static ComputeType type(Recipe recipe) {
    if (recipe.precision() == Precision.F64) {
      throw new InvalidInputException(
          "recipe: dtype is f64, which is for comparing gradients and is not planned; use f32 or bf16");
    }
    return recipe.precision() == Precision.BF16 ? ComputeType.BF16 : ComputeType.F32;
  }

  /**
   * A recipe's stages.
   *
   * @param processBytes of a rank beyond its tensors
   * @throws InvalidInputException if its pipeline is interleaved, which is not predicted yet
   */
  static Layout layout(Recipe recipe, ModelSpec spec, long processBytes) {
    if (recipe.parallel().interleave() > 1) {
      throw new InvalidInputException(
          "recipe: parallel.interleave is "
              + recipe.parallel().interleave()
              + "; runs are predicted stage by stage only, so leave it at 1");
    }
    StagePlan plan = StagePlan.of(recipe, spec.numHiddenLayers());
    return new Layout(
        plan.chunks().stream().map(Range::length).toList(),
        plan.recompute(),
        recipe.microBatches() / recipe.parallel().mesh().dp(),
        FLOAT_BYTES,
        FLOAT_BYTES,
        MOMENT_BYTES,
        processBytes);
  }
}
