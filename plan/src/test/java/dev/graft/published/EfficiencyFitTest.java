package dev.graft.published;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.graft.cluster.Fields;
import dev.graft.cost.AnalyticCosts;
import dev.graft.cost.Efficiency;
import dev.graft.peers.Shared;
import dev.graft.published.PublishedRun.Side;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/**
 * The fit of {@link Efficiency#FITTED}, and how to repeat it: {@code -Dgraft.fit=true} runs it to
 * its end from rough values and prints the constants.
 *
 * <p>The loss is the mean of |log(predicted / reported)|, at most 0.5 a row so that rows which the
 * model does not explain pull no more than others, a group of n rows weighing √n. Rows of ZeRO-3
 * whose micro-batch is not published are not fitted to. It is searched coordinate by coordinate.
 */
class EfficiencyFitTest {
  private static final double[] LEAST = {0.7, 200, 5, 0.35, 0.5, 0.6, 1e-6, 0.3};
  private static final double[] MOST = {1.0, 3000, 300, 0.75, 0.85, 0.9, 6e-6, 0.85};
  private static final double[] ROUGH = {0.93, 750, 80, 0.53, 0.65, 0.85, 4e-6, 0.8};

  /** How far a step goes in each coordinate, beside the others. */
  private static final double[] SCALE = {0.2, 1, 1, 0.5, 0.5, 0.5, 1, 1};

  private final List<PublishedRun> runs;
  private final Map<String, Long> sizes;

  EfficiencyFitTest() throws IOException {
    List<PublishedRun> all =
        Replay.read(Fields.read(Shared.path("published/published-runs.yaml"))).runs();
    runs =
        all.stream()
            .filter(run -> run.side() == Side.FIT)
            .filter(run ->
                run.metric() == PublishedRun.Metric.ITERATION_S
                    || run.metric() == PublishedRun.Metric.TOKENS_PER_S_PER_GPU)
            .filter(run ->
                run.setting().job().zero() < 3 || !run.assumptions().contains("micro-batch 1"))
            .toList();
    sizes = all.stream().collect(Collectors.groupingBy(PublishedRun::group, Collectors.counting()));
  }

  private static Efficiency efficiency(double[] x) {
    return new Efficiency(x[0], x[1], x[2], x[3], x[4], x[5], x[6], x[7]);
  }

  private double loss(double[] x) {
    Efficiency efficiency = efficiency(x);
    double sum = 0;
    double weights = 0;
    for (PublishedRun run : runs) {
      Comparison row = Replay.predict(run, setting -> new AnalyticCosts(setting, efficiency));
      double weight = 1 / Math.sqrt(sizes.get(run.group()));
      sum += weight * Math.min(0.5, Math.abs(Math.log(row.predicted() / run.reported())));
      weights += weight;
    }
    return sum / weights;
  }

  /** One step up and down in each coordinate, as far as it helps. */
  private double[] sweep(double[] from, double step) {
    double[] best = from.clone();
    double least = loss(best);
    for (int i = 0; i < best.length; i++) {
      for (int sign : new int[] {-1, 1}) {
        double[] next = best.clone();
        next[i] = Math.clamp(best[i] * Math.exp(sign * step * SCALE[i]), LEAST[i], MOST[i]);
        double loss = loss(next);
        if (loss < least - 1e-5) {
          least = loss;
          best = next;
        }
      }
    }
    return best;
  }

  @Test
  void noSmallStepOfOneConstantGainsMuch() {
    Efficiency e = Efficiency.FITTED;
    double[] fitted = {
      e.gemm(), e.reuse(), e.tile(), e.attention(), e.memory(), e.network(), e.launch(), e.hidden()
    };
    double before = loss(fitted);
    double after = loss(sweep(fitted, 0.06));
    assertTrue(after > before - 0.003, "from " + before + " to " + after);
    assertTrue(before < 0.09, "mean error " + before);
    if (Boolean.getBoolean("graft.fit")) {
      double[] x = ROUGH;
      for (double step = 0.25; step > 0.01; ) {
        double[] next = sweep(x, step);
        if (Arrays.equals(next, x)) {
          step /= 2;
        }
        x = next;
        System.out.println(step + " " + loss(x) + " " + efficiency(x));
      }
    }
  }
}
