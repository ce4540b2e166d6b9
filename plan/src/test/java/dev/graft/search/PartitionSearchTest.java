package dev.graft.search;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.graft.checkpoint.InvalidInputException;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

class PartitionSearchTest {
  /** The least time over every split and every count of recomputed layers; infinite: none fits. */
  private static double bruteForce(
      PipelineProblem problem, int stage, int from, double sum, double longest) {
    int left = problem.layers() - from;
    if (stage == problem.stages()) {
      return left == 0 ? sum + (problem.microBatches() - 1) * longest : Double.POSITIVE_INFINITY;
    }
    double best = Double.POSITIVE_INFINITY;
    for (int count = 1; count <= left; count++) {
      for (int recomputed = 0; recomputed <= count; recomputed++) {
        if (problem.bytes(stage, from, count, recomputed) <= problem.memory(stage)) {
          double time = problem.time(stage, from, count, recomputed);
          best =
              Math.min(
                  best,
                  bruteForce(
                      problem, stage + 1, from + count, sum + time, Math.max(longest, time)));
        }
      }
    }
    return best;
  }

  private static EqualLayers equalLayers(Random random) {
    int stages = 1 + random.nextInt(4);
    double kept = 1 + random.nextInt(8);
    return new EqualLayers(
        stages + random.nextInt(5),
        stages,
        1 + random.nextInt(8),
        1 + random.nextInt(4),
        2 + random.nextInt(6),
        random.nextInt(4),
        random.nextInt(9),
        1 + random.nextInt(9),
        random.nextInt(9),
        random.nextInt(9),
        kept,
        kept / 4,
        20 + random.nextInt(90));
  }

  /** Layers, speeds and memory of stages that all differ. */
  private record Unequal(
      int stages, int microBatches, double[] seconds, double[] bytes, double[] rate, double[] limit)
      implements PipelineProblem {
    static Unequal random(Random random) {
      int stages = 1 + random.nextInt(4);
      int layers = stages + random.nextInt(5);
      return new Unequal(
          stages,
          1 + random.nextInt(8),
          random.ints(layers, 1, 9).asDoubleStream().toArray(),
          random.ints(layers, 1, 9).asDoubleStream().toArray(),
          random.ints(stages, 1, 4).asDoubleStream().toArray(),
          random.ints(stages, 6, 60).asDoubleStream().toArray());
    }

    @Override
    public int layers() {
      return seconds.length;
    }

    @Override
    public double memory(int stage) {
      return limit[stage];
    }

    @Override
    public boolean isUniform() {
      return false;
    }

    @Override
    public double time(int stage, int from, int count, int recomputed) {
      double sum = Arrays.stream(seconds, from, from + count).sum();
      return rate[stage] * (sum + sum * recomputed / count / 3);
    }

    @Override
    public double bytes(int stage, int from, int count, int recomputed) {
      double sum = Arrays.stream(bytes, from, from + count).sum();
      return sum + (stages - stage) * (sum - 0.75 * sum * recomputed / count);
    }
  }

  @Test
  void findsWhatBruteForceFinds() {
    Random random = new Random(7);
    int fitting = 0;
    for (int trial = 0; trial < 1000; trial++) {
      PipelineProblem problem = trial % 2 == 0 ? equalLayers(random) : Unequal.random(random);
      double expected = bruteForce(problem, 0, 0, 0, 0);
      Optional<PipelinePlan> plan = PartitionSearch.best(problem);
      assertEquals(
          expected, plan.map(PipelinePlan::seconds).orElse(Double.POSITIVE_INFINITY), 1e-9);
      fitting += plan.isPresent() ? 1 : 0;
    }
    assertTrue(fitting > 300 && fitting < 1000, "both kinds were met: " + fitting);
  }

  /** Skywork-MoE's example (arXiv 2406.06563, appendix B.2): 24 layers, a head as long as one. */
  @Test
  void aHeadTakesALayersPlaceOnTheLastStage() {
    PipelineProblem problem = new EqualLayers(24, 5, 10, 1, 2, 0, 3, 1, 0, 0, 1, 1, 1e9);
    assertEquals(List.of(5, 5, 5, 5, 4), PartitionSearch.best(problem).orElseThrow().stages());
  }

  @Test
  void fewerLayersThanStagesAreRefused() {
    assertThrows(
        InvalidInputException.class, () -> new EqualLayers(2, 3, 1, 1, 1, 0, 0, 1, 0, 0, 1, 1, 9));
  }
}
