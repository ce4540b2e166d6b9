package dev.graft.search;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * The split of layers over stages, and the layers recomputed on each, of the least Σ t_s + (m − 1)
 * max t_s under the memory limit: the time of m micro-batches through unequal stages. Exact: for
 * each time that a stage can have, taken as the largest one, a dynamic programme over stages and
 * layers finds the least sum. Limits are tried from the least on, until (m − 1) times the limit and
 * the least that all stages can take are no better than what was found. Of splits with equal sums
 * the one of the least Σ t_s² is taken, which waits least when it is simulated.
 */
public final class PartitionSearch {
  private static final int DOES_NOT_FIT = -1;

  private final PipelineProblem problem;
  private final int layers;
  private final int stages;

  /** Of a stage, by first layer (0 where layers are alike) and count. */
  private final int[][][] fewest;

  private final double[][][] times;

  private PartitionSearch(PipelineProblem problem) {
    this.problem = problem;
    layers = problem.layers();
    stages = problem.stages();
    int starts = problem.isUniform() ? 1 : layers;
    fewest = new int[stages][starts][layers + 1];
    times = new double[stages][starts][layers + 1];
    for (int stage = 0; stage < stages; stage++) {
      for (int from = 0; from < starts; from++) {
        Arrays.fill(times[stage][from], Double.POSITIVE_INFINITY);
        Arrays.fill(fewest[stage][from], DOES_NOT_FIT);
        for (int count = 1; count <= layers - from; count++) {
          int recomputed = fewestRecomputed(stage, from, count);
          if (recomputed == DOES_NOT_FIT) {
            break;
          }
          fewest[stage][from][count] = recomputed;
          times[stage][from][count] = problem.time(stage, from, count, recomputed);
        }
      }
    }
  }

  /** The best plan; empty if no split fits the memory, however much is recomputed. */
  public static Optional<PipelinePlan> best(PipelineProblem problem) {
    return new PartitionSearch(problem).best();
  }

  private Optional<PipelinePlan> best() {
    double[] limits =
        Arrays.stream(times)
            .flatMap(Arrays::stream)
            .flatMapToDouble(Arrays::stream)
            .filter(Double::isFinite)
            .distinct()
            .sorted()
            .toArray();
    double least = leastSum(Double.POSITIVE_INFINITY).map(Split::sum).orElse(Double.NaN);
    if (Double.isNaN(least)) {
      return Optional.empty();
    }
    Optional<PipelinePlan> best = Optional.empty();
    for (double limit : limits) {
      // No stage is shorter than the mean one.
      if (limit * stages < least * (1 - 1e-12)) {
        continue;
      }
      if (best.isPresent()
          && least + (problem.microBatches() - 1) * limit >= best.get().seconds()) {
        break;
      }
      Optional<PipelinePlan> plan = leastSum(limit).map(this::plan);
      if (plan.isPresent() && (best.isEmpty() || plan.get().seconds() < best.get().seconds())) {
        best = plan;
      }
    }
    return best;
  }

  /** More recomputation only costs time, so the fewest layers that make the stage fit are best. */
  private int fewestRecomputed(int stage, int from, int count) {
    double memory = problem.memory(stage);
    if (problem.bytes(stage, from, count, count) > memory
        && problem.bytes(stage, from, count, 0) > memory) {
      return DOES_NOT_FIT;
    }
    for (int recomputed = 0; recomputed <= count; recomputed++) {
      if (problem.bytes(stage, from, count, recomputed) <= memory) {
        return recomputed;
      }
    }
    return DOES_NOT_FIT;
  }

  private record Split(double sum, int[] counts) {}

  private Optional<Split> leastSum(double limit) {
    double[][] sum = new double[stages + 1][layers + 1];
    double[][] squares = new double[stages + 1][layers + 1];
    int[][] taken = new int[stages + 1][layers + 1];
    for (double[] row : sum) {
      Arrays.fill(row, Double.POSITIVE_INFINITY);
    }
    sum[0][0] = 0;
    for (int stage = 0; stage < stages; stage++) {
      for (int from = stage; from < layers; from++) {
        if (Double.isInfinite(sum[stage][from])) {
          continue;
        }
        double[] ofCount = times[stage][problem.isUniform() ? 0 : from];
        for (int count = 1; count <= layers - from - (stages - stage - 1); count++) {
          double time = ofCount[count];
          if (time > limit) {
            if (Double.isInfinite(time)) {
              break;
            }
            continue;
          }
          int done = from + count;
          double total = sum[stage][from] + time;
          double squared = squares[stage][from] + time * time;
          double slack = total * 1e-12;
          if (total < sum[stage + 1][done] - slack
              || (total <= sum[stage + 1][done] + slack && squared < squares[stage + 1][done])) {
            sum[stage + 1][done] = total;
            squares[stage + 1][done] = squared;
            taken[stage + 1][done] = count;
          }
        }
      }
    }
    if (Double.isInfinite(sum[stages][layers])) {
      return Optional.empty();
    }
    int[] counts = new int[stages];
    int left = layers;
    for (int stage = stages - 1; stage >= 0; stage--) {
      counts[stage] = taken[stage + 1][left];
      left -= counts[stage];
    }
    return Optional.of(new Split(sum[stages][layers], counts));
  }

  private PipelinePlan plan(Split split) {
    Integer[] counts = new Integer[stages];
    Integer[] recompute = new Integer[stages];
    double longest = 0;
    int from = 0;
    for (int stage = 0; stage < stages; stage++) {
      int start = problem.isUniform() ? 0 : from;
      counts[stage] = split.counts()[stage];
      recompute[stage] = fewest[stage][start][counts[stage]];
      longest = Math.max(longest, times[stage][start][counts[stage]]);
      from += counts[stage];
    }
    return new PipelinePlan(
        List.of(counts), List.of(recompute), split.sum() + (problem.microBatches() - 1) * longest);
  }
}
