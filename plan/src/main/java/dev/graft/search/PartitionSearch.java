package dev.graft.search;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * The split of layers over stages, and the layers recomputed on each, of the least Σ t_s + (m − 1)
 * max t_s under the memory limit: the time of m micro-batches through unequal stages. Exact: for
 * each time that a stage can have, taken as the largest one, a dynamic programme over stages and
 * layers finds the least sum.
 */
public final class PartitionSearch {
  private static final int DOES_NOT_FIT = -1;

  private PartitionSearch() {}

  /** The best plan; empty if no split fits the memory, however much is recomputed. */
  public static Optional<PipelinePlan> best(PipelineProblem problem) {
    int[][] fewest = new int[problem.stages()][problem.layers() + 1];
    List<Double> times = new ArrayList<>();
    for (int stage = 0; stage < problem.stages(); stage++) {
      for (int count = 1; count <= problem.layers(); count++) {
        fewest[stage][count] = fewestRecomputed(problem, stage, count);
        if (fewest[stage][count] != DOES_NOT_FIT) {
          times.add(problem.time(stage, count, fewest[stage][count]));
        }
      }
    }
    Optional<PipelinePlan> best = Optional.empty();
    for (double limit : times.stream().distinct().sorted().toList()) {
      Optional<PipelinePlan> plan = leastSum(problem, fewest, limit);
      if (plan.isPresent() && (best.isEmpty() || plan.get().seconds() < best.get().seconds())) {
        best = plan;
      }
    }
    return best;
  }

  /** More recomputation only costs time, so the fewest layers that make the stage fit are best. */
  private static int fewestRecomputed(PipelineProblem problem, int stage, int count) {
    for (int recomputed = 0; recomputed <= count; recomputed++) {
      if (problem.bytes(stage, count, recomputed) <= problem.memory()) {
        return recomputed;
      }
    }
    return DOES_NOT_FIT;
  }

  private static Optional<PipelinePlan> leastSum(
      PipelineProblem problem, int[][] fewest, double limit) {
    int layers = problem.layers();
    int stages = problem.stages();
    double[][] sum = new double[stages + 1][layers + 1];
    int[][] taken = new int[stages + 1][layers + 1];
    for (double[] row : sum) {
      Arrays.fill(row, Double.POSITIVE_INFINITY);
    }
    sum[0][0] = 0;
    for (int stage = 0; stage < stages; stage++) {
      for (int done = stage + 1; done <= layers; done++) {
        for (int count = 1; count <= done - stage; count++) {
          int recomputed = fewest[stage][count];
          if (recomputed == DOES_NOT_FIT) {
            continue;
          }
          double time = problem.time(stage, count, recomputed);
          double total = sum[stage][done - count] + time;
          if (time <= limit && total < sum[stage + 1][done]) {
            sum[stage + 1][done] = total;
            taken[stage + 1][done] = count;
          }
        }
      }
    }
    if (Double.isInfinite(sum[stages][layers])) {
      return Optional.empty();
    }
    Integer[] counts = new Integer[stages];
    Integer[] recompute = new Integer[stages];
    double longest = 0;
    int left = layers;
    for (int stage = stages - 1; stage >= 0; stage--) {
      int count = taken[stage + 1][left];
      counts[stage] = count;
      recompute[stage] = fewest[stage][count];
      longest = Math.max(longest, problem.time(stage, count, fewest[stage][count]));
      left -= count;
    }
    return Optional.of(
        new PipelinePlan(
            List.of(counts),
            List.of(recompute),
            sum[stages][layers] + (problem.microBatches() - 1) * longest));
  }
}
