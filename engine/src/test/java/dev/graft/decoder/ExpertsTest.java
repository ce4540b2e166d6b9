package dev.graft.decoder;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.graft.cache.Float32Pages;
import dev.graft.checkpoint.DType;
import dev.graft.checkpoint.Family;
import dev.graft.checkpoint.Gating;
import dev.graft.checkpoint.ModelSpec;
import dev.graft.checkpoint.MoeSpec;
import dev.graft.checkpoint.RopeScaling;
import dev.graft.checkpoint.RopeSpec;
import dev.graft.checkpoint.Weight;
import dev.graft.experts.Router;
import dev.graft.kernel.KernelChoice;
import dev.graft.kernel.Kernels;
import dev.graft.kernel.Matrix;
import dev.graft.kernel.MatrixPanels;
import dev.graft.kernel.MatrixVector;
import dev.graft.kernel.Workers;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Random;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/**
 * Grouped experts in both phases beside a plain loop over tokens: whichever experts are chosen,
 * also where most are empty or where one or two have all tokens.
 */
class ExpertsTest {
  private static final int HIDDEN = 37;
  private static final int COLUMNS = 50;

  /** Where the router sends tokens. */
  enum Load {
    ANYWHERE,
    /** All to the last experts. */
    LAST,
    /** Each to one of three. */
    FEW
  }

  /** An MoE layer in memory. */
  private record Layer(
      ModelSpec spec,
      LayerWeights.Routed routed,
      float[] router,
      float[][] w1,
      float[][] w3,
      float[][] w2) {
    static Layer random(int experts, int topK, Load load, Kernels kernels, Random random) {
      MoeSpec moe = new MoeSpec(experts, topK, Gating.SOFTMAX, 1);
      float[] router = numbers(experts * HIDDEN, random);
      for (int e = 0; e < experts; e++) {
        // Element 0 of every token is 1: a bias.
        router[e * HIDDEN] =
            switch (load) {
              case ANYWHERE -> 0;
              case LAST -> 50 * e;
              case FEW -> e % Math.max(1, experts / 3) == 0 ? 50 : -50;
            };
      }
      float[][] w1 = many(experts, random);
      float[][] w3 = many(experts, random);
      float[][] w2 = many(experts, random);
      return new Layer(
          spec(moe),
          new LayerWeights.Routed(
              matrix(kernels, router, experts, HIDDEN),
              matrices(kernels, w1, COLUMNS, HIDDEN),
              matrices(kernels, w3, COLUMNS, HIDDEN),
              matrices(kernels, w2, HIDDEN, COLUMNS)),
          router,
          w1,
          w3,
          w2);
    }

    private static float[][] many(int experts, Random random) {
      float[][] weights = new float[experts][];
      Arrays.setAll(weights, e -> numbers(COLUMNS * HIDDEN, random));
      return weights;
    }

    private static Matrix[] matrices(Kernels kernels, float[][] w, int rows, int columns) {
      return Arrays.stream(w)
          .map(each -> matrix(kernels, each, rows, columns))
          .toArray(Matrix[]::new);
    }

    private static Matrix matrix(Kernels kernels, float[] w, int rows, int columns) {
      MemorySegment data = Arena.ofAuto().allocate(4L * w.length);
      for (int i = 0; i < w.length; i++) {
        data.set(ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN), 4L * i, w[i]);
      }
      return kernels.matrix(new Weight.Plain("w", rows, columns, DType.F32, data));
    }

    private static ModelSpec spec(MoeSpec moe) {
      return new ModelSpec(
          Family.MIXTRAL,
          8,
          HIDDEN,
          COLUMNS,
          1,
          1,
          1,
          8,
          1e-5,
          new RopeSpec(10_000, new RopeScaling.None()),
          64,
          true,
          false,
          false,
          false,
          false,
          OptionalInt.empty(),
          0.02,
          Optional.of(moe));
    }

    /** Σ share · w2 (silu(w1 x) · w3 x) over the chosen experts. */
    double[] exact(float[] x, int at) {
      MoeSpec moe = spec.moe().orElseThrow();
      float[] logits = new float[moe.numExperts()];
      for (int e = 0; e < logits.length; e++) {
        logits[e] = (float) dot(router, e, x, at);
      }
      int[] chosen = new int[moe.topK()];
      float[] shares = new float[moe.topK()];
      new Router(moe).route(logits, 0, 1, chosen, shares, 0);
      double[] out = new double[HIDDEN];
      for (int j = 0; j < chosen.length; j++) {
        int e = chosen[j];
        for (int c = 0; c < COLUMNS; c++) {
          double gate = dot(w1[e], c, x, at);
          double inner = gate / (1 + Math.exp(-gate)) * dot(w3[e], c, x, at);
          for (int i = 0; i < HIDDEN; i++) {
            out[i] += shares[j] * inner * w2[e][i * COLUMNS + c];
          }
        }
      }
      return out;
    }

    private static double dot(float[] w, int row, float[] x, int at) {
      double sum = 0;
      for (int i = 0; i < HIDDEN; i++) {
        sum += (double) w[row * HIDDEN + i] * x[at + i];
      }
      return sum;
    }

    Rank rank(Kernels kernels, Workers workers) {
      return new Rank(
          new DecoderWeights(spec, routed.router(), List.of(), new float[0], routed.router()),
          Share.whole(spec),
          true,
          kernels,
          workers,
          new Float32Pages(kernels, 1, 1, 1, 8),
          new RotaryTable(spec),
          RankSum.ALONE,
          RoutingObserver.NONE);
    }
  }

  private static float[] numbers(int count, Random random) {
    float[] numbers = new float[count];
    for (int i = 0; i < count; i++) {
      numbers[i] = (float) random.nextGaussian() / 4;
    }
    return numbers;
  }

  private static float[] tokens(int count, Random random) {
    float[] x = numbers(count * HIDDEN, random);
    for (int t = 0; t < count; t++) {
      x[t * HIDDEN] = 1;
    }
    return x;
  }

  private static float[] decoded(Layer layer, Kernels kernels, float[] x, int threads) {
    int n = x.length / HIDDEN;
    float[] delta = new float[x.length];
    Arrays.fill(delta, 9);
    try (Workers workers = new Workers(threads)) {
      List<RowExperts.Source> sources = new ArrayList<>();
      for (int t = 0; t < n; t++) {
        sources.add(new RowExperts.Source(0, t));
      }
      new RowExperts(layer.rank(kernels, workers), new MatrixVector(kernels, workers))
          .run(0, layer.routed(), sources, x, delta);
    }
    return delta;
  }

  /** Panels that hold a few tokens each, as chunks of several sequences give them. */
  private static float[] prefilled(
      Layer layer, Kernels kernels, float[] x, int threads, Random random) {
    int width = kernels.panelWidth();
    List<PanelExperts.Lanes> panels = new ArrayList<>();
    int n = x.length / HIDDEN;
    for (int from = 0; from < n; ) {
      int live = Math.min(n - from, 1 + random.nextInt(width));
      panels.add(new PanelExperts.Lanes(0, from, live));
      from += live;
    }
    float[] normed = new float[panels.size() * HIDDEN * width];
    Arrays.fill(normed, Float.NaN);
    float[] delta = normed.clone();
    for (int p = 0; p < panels.size(); p++) {
      for (int lane = 0; lane < panels.get(p).live(); lane++) {
        for (int i = 0; i < HIDDEN; i++) {
          normed[(p * HIDDEN + i) * width + lane] = x[(panels.get(p).from() + lane) * HIDDEN + i];
        }
      }
    }
    try (Workers workers = new Workers(threads)) {
      new PanelExperts(layer.rank(kernels, workers), new MatrixPanels(kernels, workers))
          .run(0, layer.routed(), panels, normed, delta);
    }
    float[] rows = new float[x.length];
    for (int p = 0; p < panels.size(); p++) {
      for (int lane = 0; lane < panels.get(p).live(); lane++) {
        for (int i = 0; i < HIDDEN; i++) {
          rows[(panels.get(p).from() + lane) * HIDDEN + i] = delta[(p * HIDDEN + i) * width + lane];
        }
      }
    }
    return rows;
  }

  @ParameterizedTest
  @CsvSource({
    "ANYWHERE, vector",
    "LAST, vector",
    "FEW, vector",
    "ANYWHERE, scalar",
    "LAST, scalar"
  })
  void equalAPlainLoop(Load load, String name) {
    Random random = new Random(50);
    Kernels kernels = name.equals("scalar") ? KernelChoice.scalar() : KernelChoice.best();
    for (int turn = 0; turn < 20; turn++) {
      int experts = 1 + random.nextInt(9);
      int topK = 1 + random.nextInt(Math.min(3, experts));
      Layer layer = Layer.random(experts, topK, load, kernels, random);
      float[] x = tokens(1 + random.nextInt(turn % 2 == 0 ? 9 : 80), random);
      int threads = 1 + turn % 3;
      float[] decoded = decoded(layer, kernels, x, threads);
      float[] prefilled = prefilled(layer, kernels, x, threads, random);
      for (int t = 0; t < x.length / HIDDEN; t++) {
        double[] exact = layer.exact(x, t * HIDDEN);
        for (int i = 0; i < HIDDEN; i++) {
          String what = topK + " of " + experts + " experts, token " + t;
          assertEquals(exact[i], decoded[t * HIDDEN + i], 1e-5, "decode, " + what);
          assertEquals(exact[i], prefilled[t * HIDDEN + i], 1e-5, "prefill, " + what);
        }
        float[] one = Arrays.copyOfRange(x, t * HIDDEN, (t + 1) * HIDDEN);
        assertArrayEquals(
            decoded(layer, kernels, one, 1),
            Arrays.copyOfRange(decoded, t * HIDDEN, (t + 1) * HIDDEN),
            "decode alone");
        assertArrayEquals(
            prefilled(layer, kernels, one, 1, random),
            Arrays.copyOfRange(prefilled, t * HIDDEN, (t + 1) * HIDDEN),
            "prefill alone");
      }
    }
  }
}
