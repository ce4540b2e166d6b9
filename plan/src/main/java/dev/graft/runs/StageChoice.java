package dev.graft.runs;

import dev.graft.checkpoint.InvalidInputException;
import dev.graft.cost.LayerCosts;
import dev.graft.cost.Part;
import dev.graft.cost.PartCost;
import dev.graft.cost.Setting;
import dev.graft.cost.TransformerShape;
import dev.graft.search.EqualLayers;
import dev.graft.search.PartitionSearch;
import dev.graft.search.PipelinePlan;
import dev.graft.search.PipelineProblem;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.IntFunction;

/**
 * The stages of a recipe that leaves them, or the layers they recompute, to the planner.
 *
 * @param layers of each stage
 * @param recomputed how many of them are recomputed
 */
public record StageChoice(List<Integer> layers, List<Integer> recomputed) {
  /** Keeps its own lists. */
  public StageChoice {
    layers = List.copyOf(layers);
    recomputed = List.copyOf(recomputed);
  }

  /**
   * Chooses.
   *
   * @param stages layers of each stage where they are given
   * @param even a layout with as many stages, for what a weight takes and how many micro-batches
   *     there are
   * @param memory bytes of a rank for the model
   * @throws InvalidInputException if nothing fits, however much is recomputed
   */
  public static StageChoice of(
      Setting setting,
      LayerCosts costs,
      Layout even,
      Optional<List<Integer>> stages,
      double memory) {
    PipelineProblem problem = problem(setting, costs, even, memory);
    if (stages.isPresent()) {
      return new StageChoice(stages.get(), recomputed(problem, stages.get()));
    }
    PipelinePlan best =
        PartitionSearch.best(problem)
            .orElseThrow(() ->
                new InvalidInputException(
                    "recipe: parallel.stages is auto, but no split of %d layers over %d stages fits %s a rank, all layers recomputed; use more stages, a smaller micro_batch_size or zero: 1"
                        .formatted(problem.layers(), problem.stages(), gigabytes(memory))));
    return new StageChoice(best.stages(), best.recompute());
  }

  private static PipelineProblem problem(
      Setting setting, LayerCosts costs, Layout even, double memory) {
    TransformerShape shape = setting.shape();
    PartCost layer = costs.of(Prediction.layer(setting));
    PartCost embedding = costs.of(Part.EMBEDDING);
    PartCost head = costs.of(Part.HEAD);
    double weight = StageWeights.bytes(setting, even);
    double working = Math.max(layer.working(), Math.max(embedding.working(), head.working()));
    return new EqualLayers(
        shape.layers(),
        even.layers().size(),
        even.microBatches(),
        layer.forward(),
        layer.backward(),
        embedding.forward() + embedding.backward(),
        head.forward() + head.backward(),
        weight * (StageWeights.trunkLayer(shape) + StageWeights.experts(shape, 1)),
        weight * StageWeights.embedding(shape),
        weight * StageWeights.embedding(shape),
        layer.kept(),
        Math.min(layer.kept(), layer.keptIfRecomputed()),
        memory - working - even.processBytes());
  }

  /** The fewest layers of each stage that make it fit. */
  private static List<Integer> recomputed(PipelineProblem problem, List<Integer> stages) {
    IntFunction<Integer> fewest =
        stage -> {
          for (int recomputed = 0; recomputed <= stages.get(stage); recomputed++) {
            if (problem.bytes(stage, 0, stages.get(stage), recomputed) <= problem.memory(stage)) {
              return recomputed;
            }
          }
          throw new InvalidInputException(
              "recipe: parallel.recompute is auto, but stage %d with its %d layers does not fit %s, all of them recomputed; give it fewer layers, or use a smaller micro_batch_size or zero: 1"
                  .formatted(stage, stages.get(stage), gigabytes(problem.memory(stage))));
        };
    return java.util.stream.IntStream.range(0, stages.size()).mapToObj(fewest).toList();
  }

  private static String gigabytes(double bytes) {
    return String.format(Locale.ROOT, "%.3g GB", bytes / 1e9);
  }
}
