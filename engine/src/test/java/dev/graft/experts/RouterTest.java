package dev.graft.experts;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.graft.checkpoint.Gating;
import dev.graft.checkpoint.MoeSpec;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class RouterTest {
  /** The definition, step by step: normalise, softmax over all, the k largest, renormalise. */
  private static double[] shares(float[] logits, MoeSpec moe) {
    double[] z = new double[logits.length];
    double mean = IntStream.range(0, z.length).mapToDouble(i -> logits[i]).average().orElseThrow();
    double squares =
        IntStream.range(0, z.length).mapToDouble(i -> Math.pow(logits[i] - mean, 2)).sum();
    double std = Math.max(1e-6, Math.sqrt(squares / (z.length - 1)));
    double total = 0;
    for (int e = 0; e < z.length; e++) {
      z[e] =
          Math.exp(
              moe.gating() == Gating.NORMALIZED
                  ? moe.gateNormStd() * (logits[e] - mean) / std
                  : logits[e]);
      total += z[e];
    }
    for (int e = 0; e < z.length; e++) {
      z[e] /= total;
    }
    return z;
  }

  @Test
  void choosesTheLargestSharesAndRenormalises() {
    Random random = new Random(40);
    for (int turn = 0; turn < 500; turn++) {
      int n = 2 + random.nextInt(20);
      MoeSpec moe =
          new MoeSpec(
              n,
              1 + random.nextInt(n),
              random.nextBoolean() ? Gating.NORMALIZED : Gating.SOFTMAX,
              0.5 + random.nextDouble());
      int step = 1 + random.nextInt(3);
      float[] column = new float[2 + n * step];
      float[] logits = new float[n];
      for (int e = 0; e < n; e++) {
        logits[e] = (float) random.nextGaussian() * 5;
        column[2 + e * step] = logits[e];
      }
      int[] experts = new int[moe.topK() + 1];
      float[] weights = new float[moe.topK() + 1];
      new Router(moe).route(column, 2, step, experts, weights, 1);
      double[] shares = shares(logits, moe);
      int[] best =
          IntStream.range(0, n)
              .boxed()
              .sorted(Comparator.comparingDouble(e -> -shares[e]))
              .mapToInt(Integer::intValue)
              .limit(moe.topK())
              .toArray();
      assertArrayEquals(best, Arrays.copyOfRange(experts, 1, experts.length), "" + moe);
      double sum = Arrays.stream(best).mapToDouble(e -> shares[e]).sum();
      for (int j = 0; j < best.length; j++) {
        assertEquals(shares[best[j]] / sum, weights[1 + j], 1e-6, "" + moe);
      }
    }
  }

  @Test
  void equalLogitsGoToTheLowerNumber() {
    for (Gating gating : Gating.values()) {
      int[] experts = new int[2];
      float[] weights = new float[2];
      new Router(new MoeSpec(5, 2, gating, 1))
          .route(new float[] {1, 2, 2, 2, 1}, 0, 1, experts, weights, 0);
      assertArrayEquals(new int[] {1, 2}, experts);
      assertArrayEquals(new float[] {0.5f, 0.5f}, weights);
      new Router(new MoeSpec(5, 2, gating, 1)).route(new float[5], 0, 1, experts, weights, 0);
      assertArrayEquals(new int[] {0, 1}, experts, "a router of zeros");
      assertArrayEquals(new float[] {0.5f, 0.5f}, weights, "a router of zeros");
    }
  }

  @Test
  void extremeLogitsStayNumbersAndExpertsDistinct() {
    int[] experts = new int[3];
    float[] weights = new float[3];
    Router router = new Router(new MoeSpec(4, 3, Gating.SOFTMAX, 1));
    router.route(new float[] {-1e38f, 3e38f, -3e38f, 0}, 0, 1, experts, weights, 0);
    assertEquals(1, experts[0]);
    assertArrayEquals(new float[] {1, 0, 0}, weights);
    router.route(new float[] {Float.NaN, 1, Float.NaN, 2}, 0, 1, experts, weights, 0);
    assertEquals(3, Arrays.stream(experts).distinct().count());
    assertTrue(Float.isNaN(weights[0]), "NaN must not be lost");
  }

  @Test
  void groupsKeepTheOrderOfTheTokens() {
    Random random = new Random(41);
    for (int turn = 0; turn < 300; turn++) {
      int n = 1 + random.nextInt(12);
      int count = random.nextInt(60);
      int[] experts = new int[count];
      for (int i = 0; i < count; i++) {
        // Often few of them, so that some are empty and at times one has all.
        experts[i] = turn % 5 == 0 ? n - 1 : random.nextInt(1 + random.nextInt(n));
      }
      Groups groups = Groups.of(experts, count, n);
      int[] expected =
          IntStream.range(0, count)
              .boxed()
              .sorted(Comparator.comparingInt(i -> experts[i]))
              .mapToInt(Integer::intValue)
              .toArray();
      assertArrayEquals(expected, groups.order());
      for (int e = 0; e < n; e++) {
        int expert = e;
        assertEquals(
            Arrays.stream(experts).filter(x -> x == expert).count(), groups.size(e), "size");
      }
      assertEquals(count, groups.start()[n]);
    }
  }
}
