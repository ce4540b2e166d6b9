package dev.graft.loop;

import dev.graft.checkpoint.ModelSpec;
import dev.graft.checkpoint.MoeSpec;
import dev.graft.parallel.Team;
import dev.graft.routing.RoutingStats;
import java.util.ArrayList;
import java.util.List;

/**
 * What all ranks together measured in a step, in one exchange; every rank gets the same, and so the
 * same α.
 *
 * @param lossSum Σ cross entropy
 * @param squaredNorm of the gradient
 * @param stop whether some rank was asked to stop
 * @param routing per MoE layer of the model
 */
record StepTotals(double lossSum, double squaredNorm, boolean stop, List<RoutingStats> routing) {
  private static final int HEAD = 3;
  private static final int FIELDS = 9;

  /**
   * Adds up.
   *
   * @param squaredNorm this rank's part
   * @param stop whether this rank was asked to
   */
  static StepTotals of(
      Pipeline.Step own, double squaredNorm, boolean stop, ModelSpec spec, Team team) {
    int experts = spec.moe().map(MoeSpec::numExperts).orElse(0);
    int layers = spec.moe().isPresent() ? spec.numHiddenLayers() : 0;
    int width = FIELDS + experts;
    double[] values = new double[HEAD + layers * width];
    // Ranks of a tensor-parallel group have measured the same, or each its part of the tokens.
    boolean speaks = team.place().tp() == 0;
    values[0] = speaks ? own.lossSum() : 0;
    if (speaks || team.mesh().sequence()) {
      own.routing().forEach((layer, stats) -> write(stats, values, HEAD + layer * width));
    }
    values[1] = squaredNorm;
    values[2] = stop ? 1 : 0;
    double[] sums = team.world().allReduceSum(values);
    List<RoutingStats> routing = new ArrayList<>();
    for (int l = 0; l < layers; l++) {
      routing.add(read(sums, HEAD + l * width, experts));
    }
    return new StepTotals(sums[0], sums[1], sums[2] > 0, List.copyOf(routing));
  }

  private static void write(RoutingStats stats, double[] to, int at) {
    double[] fields = {
      stats.groups(),
      stats.tokens(),
      stats.assignments(),
      stats.dropped(),
      stats.auxLoss(),
      stats.zLoss(),
      stats.max1OverMax2(),
      stats.max2OverMax3(),
      stats.entropy()
    };
    System.arraycopy(fields, 0, to, at, FIELDS);
    for (int e = 0; e < stats.load().length; e++) {
      to[at + FIELDS + e] = stats.load()[e];
    }
  }

  private static RoutingStats read(double[] from, int at, int experts) {
    long[] load = new long[experts];
    for (int e = 0; e < experts; e++) {
      load[e] = Math.round(from[at + FIELDS + e]);
    }
    return new RoutingStats(
        Math.round(from[at]),
        Math.round(from[at + 1]),
        Math.round(from[at + 2]),
        Math.round(from[at + 3]),
        load,
        from[at + 4],
        from[at + 5],
        from[at + 6],
        from[at + 7],
        from[at + 8]);
  }
}
