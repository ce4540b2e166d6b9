package dev.graft.kernel;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Products of both phases beside exact sums: any form, any number of tokens and threads; and that a
 * token's bits do not depend on what comes with it.
 */
class MatrixProductsTest {
  private static final Kernels FAST = KernelChoice.best();
  private static final int[][] SHAPES = {
    {1, 1},
    {1, 65},
    {7, 1},
    {3, 31},
    {5, 32},
    {13, 33},
    {6, 64},
    {49, 100},
    {97, 130},
    {131, 257},
    {48, 288},
    {7, 96},
    {2, 128},
    {131, 192},
    {10, 320},
    {3, 640},
  };

  /** Part of a weight. */
  private record Slice(int rowFrom, int rowTo, int from, int to) {
    static Slice whole(Matrix m) {
      return new Slice(0, m.rows(), 0, m.columns());
    }

    static Slice some(Matrix m, Random random) {
      int row = random.nextInt(m.rows());
      int column = random.nextInt(m.columns());
      return new Slice(
          row,
          row + 1 + random.nextInt(m.rows() - row),
          column,
          column + 1 + random.nextInt(m.columns() - column));
    }

    int rows() {
      return rowTo - rowFrom;
    }

    int columns() {
      return to - from;
    }
  }

  private static float[] vectors(
      Kernels kernels, Matrix matrix, Slice s, float[] x, int tokens, int threads) {
    float[] out = new float[tokens * s.rows()];
    try (Workers workers = new Workers(threads)) {
      new MatrixVector(kernels, workers)
          .run(
              List.of(
                  new Job(
                      matrix,
                      s.rowFrom(),
                      s.rowTo(),
                      s.from(),
                      s.to(),
                      x,
                      0,
                      s.columns(),
                      tokens,
                      out,
                      0,
                      s.rows())));
    }
    return out;
  }

  private static Numbers.Sum exact(Matrix matrix, Slice s, int row, float[] x, int at, int step) {
    float[] w = new float[s.columns()];
    matrix.decode(s.rowFrom() + row, s.from(), s.to(), w, 0);
    Numbers.Sum sum = new Numbers.Sum();
    for (int i = 0; i < w.length; i++) {
      sum.add(w[i], x[at + i * step]);
    }
    return sum;
  }

  @ParameterizedTest
  @EnumSource
  void fewTokens(WeightForm form) {
    Random random = new Random(4);
    for (int[] shape : SHAPES) {
      WeightForm.Twins twins = form.twins(shape[0], shape[1], random);
      Slice some = Slice.some(twins.plain(), random);
      // As a rank has it: all columns or whole blocks of them, of any rows.
      Slice rows = new Slice(some.rowFrom(), some.rowTo(), 0, shape[1]);
      Slice blocks =
          new Slice(some.rowFrom(), some.rowTo(), Math.min(32, shape[1] / 64 * 32), shape[1]);
      for (Slice s : List.of(Slice.whole(twins.plain()), some, rows, blocks)) {
        int tokens = 1 + random.nextInt(19);
        float[] x = Numbers.of(tokens * s.columns(), random);
        String what = form + " " + s + " tokens " + tokens;
        float[] fast = vectors(FAST, twins.fast(), s, x, tokens, 1);
        float[] plain = vectors(KernelChoice.scalar(), twins.plain(), s, x, tokens, 1);
        for (int i = 0; i < fast.length; i++) {
          Numbers.Sum sum = exact(twins.plain(), s, i % s.rows(), x, i / s.rows() * s.columns(), 1);
          sum.assertNear(fast[i], what);
          sum.assertNear(plain[i], what + " by plain loops");
        }
        for (int threads = 2; threads <= 3; threads++) {
          Numbers.assertSame(
              fast, vectors(FAST, twins.fast(), s, x, tokens, threads), what + ", threads");
        }
        for (int t = 0; t < tokens; t++) {
          float[] alone =
              vectors(
                  FAST,
                  twins.fast(),
                  s,
                  Arrays.copyOfRange(x, t * s.columns(), (t + 1) * s.columns()),
                  1,
                  1);
          Numbers.assertSame(
              alone, Arrays.copyOfRange(fast, t * s.rows(), (t + 1) * s.rows()), what + " alone");
        }
      }
    }
  }

  /** More than one piece a thread, decoded blocks of rows, and jobs of several sizes at once. */
  @Test
  void manyBytesAndManyJobs() {
    Random random = new Random(5);
    for (int threads = 1; threads <= 3; threads++) {
      for (int tokens : new int[] {1, 5}) {
        List<Job> jobs = new ArrayList<>();
        List<Matrix> plain = new ArrayList<>();
        for (int[] shape : new int[][] {{701, 515}, {1, 3}, {300, 1024}, {2, 2}}) {
          WeightForm form = jobs.size() % 2 == 0 ? WeightForm.FLOAT32 : WeightForm.INT8_PAIR;
          WeightForm.Twins twins = form.twins(shape[0], shape[1], random);
          plain.add(twins.plain());
          float[] x = Numbers.of(tokens * shape[1], random);
          jobs.add(
              new Job(
                  twins.fast(),
                  0,
                  shape[0],
                  0,
                  shape[1],
                  x,
                  0,
                  shape[1],
                  tokens,
                  new float[tokens * shape[0]],
                  0,
                  shape[0]));
        }
        try (Workers workers = new Workers(threads)) {
          new MatrixVector(FAST, workers).run(jobs);
        }
        for (int j = 0; j < jobs.size(); j++) {
          Job job = jobs.get(j);
          Slice s = Slice.whole(plain.get(j));
          for (int i = 0; i < job.out().length; i++) {
            exact(plain.get(j), s, i % s.rows(), job.x(), i / s.rows() * s.columns(), 1)
                .assertNear(job.out()[i], "job " + j + " value " + i);
          }
        }
      }
    }
  }

  private static PanelJob panelJob(Kernels kernels, Matrix matrix, Slice s, float[] x, int tokens) {
    int width = kernels.panelWidth();
    int panels = Math.ceilDiv(tokens, width);
    float[] laid = new float[panels * s.columns() * width];
    for (int t = 0; t < tokens; t++) {
      for (int i = 0; i < s.columns(); i++) {
        laid[(t / width * s.columns() + i) * width + t % width] = x[t * s.columns() + i];
      }
    }
    return new PanelJob(
        matrix,
        s.rowFrom(),
        s.rowTo(),
        s.from(),
        s.to(),
        laid,
        0,
        s.columns() * width,
        panels,
        tokens - (panels - 1) * width,
        new float[panels * s.rows() * width],
        0,
        s.rows() * width);
  }

  /** Results [tokens, rows] of panels. */
  private static float[] rows(Kernels kernels, PanelJob job, int tokens) {
    int width = kernels.panelWidth();
    float[] out = new float[tokens * job.rows()];
    for (int t = 0; t < tokens; t++) {
      for (int r = 0; r < job.rows(); r++) {
        out[t * job.rows() + r] = job.out()[(t / width * job.rows() + r) * width + t % width];
      }
    }
    return out;
  }

  private static float[] panels(
      Kernels kernels, Matrix matrix, Slice s, float[] x, int tokens, int threads) {
    PanelJob job = panelJob(kernels, matrix, s, x, tokens);
    try (Workers workers = new Workers(threads)) {
      new MatrixPanels(kernels, workers).run(List.of(job));
    }
    return rows(kernels, job, tokens);
  }

  @ParameterizedTest
  @EnumSource
  void manyTokens(WeightForm form) {
    Random random = new Random(6);
    for (int[] shape : SHAPES) {
      WeightForm.Twins twins = form.twins(shape[0], shape[1], random);
      for (Slice s : List.of(Slice.whole(twins.plain()), Slice.some(twins.plain(), random))) {
        int tokens = 1 + random.nextInt(70);
        float[] x = Numbers.of(tokens * s.columns(), random);
        String what = form + " " + s + " tokens " + tokens;
        float[] fast = panels(FAST, twins.fast(), s, x, tokens, 1);
        float[] plain = panels(KernelChoice.scalar(), twins.plain(), s, x, tokens, 1);
        for (int i = 0; i < fast.length; i++) {
          exact(twins.plain(), s, i % s.rows(), x, i / s.rows() * s.columns(), 1)
              .assertNear(fast[i], what);
        }
        Numbers.assertSame(plain, fast, what + ": one chain of additions in both");
        for (int threads = 2; threads <= 3; threads++) {
          Numbers.assertSame(
              fast, panels(FAST, twins.fast(), s, x, tokens, threads), what + ", threads");
        }
        for (int turn = 0; turn < 4; turn++) {
          int from = random.nextInt(tokens);
          int to = from + 1 + random.nextInt(tokens - from);
          float[] part =
              panels(
                  FAST,
                  twins.fast(),
                  s,
                  Arrays.copyOfRange(x, from * s.columns(), to * s.columns()),
                  to - from,
                  1);
          Numbers.assertSame(
              Arrays.copyOfRange(fast, from * s.rows(), to * s.rows()),
              part,
              what + ", the tokens from " + from + " to " + to);
        }
      }
    }
  }

  @Test
  void gatedPanelsAreTwoProductsAndTheirSwiGlu() {
    Random random = new Random(7);
    for (int threads = 1; threads <= 3; threads++) {
      for (int[] shape : SHAPES) {
        int tokens = 1 + random.nextInt(70);
        float[] x = Numbers.of(tokens * shape[1], random);
        WeightForm.Twins gate = WeightForm.FLOAT16.twins(shape[0], shape[1], random);
        WeightForm.Twins up = WeightForm.FLOAT8_BLOCK.twins(shape[0], shape[1], random);
        Slice s = Slice.whole(gate.plain());
        PanelJob gateJob = panelJob(FAST, gate.fast(), s, x, tokens);
        PanelJob upJob = panelJob(FAST, up.fast(), s, x, tokens);
        try (Workers workers = new Workers(threads)) {
          new MatrixPanels(FAST, workers)
              .runGated(
                  List.of(
                      new MatrixPanels.Gated(gateJob, upJob),
                      new MatrixPanels.Gated(
                          panelJob(FAST, gate.fast(), s, x, tokens),
                          panelJob(FAST, up.fast(), s, x, tokens))));
        }
        float[] expected = panels(KernelChoice.scalar(), gate.plain(), s, x, tokens, 1);
        float[] factor = panels(KernelChoice.scalar(), up.plain(), s, x, tokens, 1);
        KernelChoice.scalar().swiGlu(expected, 0, factor, 0, expected.length);
        Numbers.assertSame(expected, rows(FAST, gateJob, tokens), "gated " + s + " " + tokens);
      }
    }
  }

  @Test
  void noJobsAtAll() {
    try (Workers workers = new Workers(2)) {
      new MatrixVector(FAST, workers).run(List.of());
      new MatrixPanels(FAST, workers).run(List.of());
      new MatrixPanels(FAST, workers).runGated(List.of());
    }
  }
}
