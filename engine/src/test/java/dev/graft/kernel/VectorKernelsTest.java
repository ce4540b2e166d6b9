package dev.graft.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * Each kernel of the Vector API beside its plain loop: bit for bit where both add in the same
 * order, within the rounding of a sum where they do not.
 */
class VectorKernelsTest {
  private static final Kernels FAST = KernelChoice.best();
  private static final Kernels PLAIN = KernelChoice.scalar();
  private static final int L = FAST.lanes();

  @BeforeAll
  static void twoKinds() {
    assertInstanceOf(VectorKernels.class, FAST);
    assertInstanceOf(ScalarKernels.class, PLAIN);
  }

  @Test
  void dots() {
    Random random = new Random(10);
    float[] room = new float[12 * L];
    for (int n : MatrixTest.widths()) {
      int rows = 1 + random.nextInt(8);
      int tokens = 1 + random.nextInt(13);
      int step = n + random.nextInt(3);
      int outStep = rows + random.nextInt(3);
      float[] w = Numbers.of(rows * n + 2, random);
      float[] x = Numbers.of(tokens * step + 1, random);
      float[] fast = new float[tokens * outStep + 1];
      float[] plain = fast.clone();
      FAST.dots(w, 2, rows, n, x, 1, step, tokens, fast, 1, outStep, room);
      PLAIN.dots(w, 2, rows, n, x, 1, step, tokens, plain, 1, outStep, room);
      for (int i = 0; i < tokens * rows; i++) {
        int t = i / rows;
        int r = i % rows;
        String what = "row " + r + " of " + rows + ", token " + t + " of " + tokens + ", n " + n;
        Numbers.Sum sum = new Numbers.Sum();
        for (int k = 0; k < n; k++) {
          sum.add(w[2 + r * n + k], x[1 + t * step + k]);
        }
        sum.assertNear(fast[1 + t * outStep + r], what);
        sum.assertNear(plain[1 + t * outStep + r], what + " by plain loops");
        float[] alone = new float[1];
        FAST.dots(w, 2 + r * n, 1, n, x, 1 + t * step, 0, 1, alone, 0, 1, room);
        assertEquals(alone[0], fast[1 + t * outStep + r], what + ", alone and among others");
      }
    }
  }

  @Test
  void everyBFloat16IsDecodedExactly() {
    int n = 1 << 16;
    short[] codes = new short[n + 3];
    for (int i = 0; i < n; i++) {
      codes[i + 2] = (short) i;
    }
    float[] fast = new float[n + 1];
    float[] plain = new float[n + 1];
    // Not a whole number of vectors.
    FAST.decodeBFloat16(codes, 2, n - 1, fast, 1);
    PLAIN.decodeBFloat16(codes, 2, n - 1, plain, 1);
    for (int i = 0; i < n; i++) {
      assertEquals(
          Float.floatToRawIntBits(plain[i]), Float.floatToRawIntBits(fast[i]), "value " + i);
    }
    assertEquals(1f, fast[1 + 0x3F80]);
  }

  /** Each element is one chain of additions in both. */
  @Test
  void products() {
    Random random = new Random(11);
    for (int turn = 0; turn < 600; turn++) {
      boolean attention = turn % 3 == 0;
      int rows = 1 + random.nextInt(attention ? 40 : 14);
      int n = random.nextInt(40);
      int width = attention ? 2 * L : 1 + random.nextInt(5 * L);
      boolean across = attention || random.nextBoolean();
      int aRow = across ? 1 : n + random.nextInt(3);
      int aStep = across ? rows + random.nextInt(3) : 1;
      int bRow = attention ? width : width + random.nextInt(4);
      int outRow = attention ? width : width + random.nextInt(4);
      float[] a = Numbers.of(1 + rows * aRow + n * aStep, random);
      float[] b = Numbers.of(2 + n * bRow, random);
      float[] expected = Numbers.of(3 + rows * outRow, random);
      float[] actual = expected.clone();
      boolean add = random.nextBoolean();
      PLAIN.product(a, 1, aRow, aStep, rows, n, b, 2, bRow, width, expected, 3, outRow, add);
      FAST.product(a, 1, aRow, aStep, rows, n, b, 2, bRow, width, actual, 3, outRow, add);
      Numbers.assertSame(
          expected, actual, "product " + rows + " × " + n + " × " + width + (add ? " added" : ""));
    }
  }

  @Test
  void productsWithBFloat16AreThoseOfTheDecodedValues() {
    Random random = new Random(19);
    for (int turn = 0; turn < 400; turn++) {
      int rows = 1 + random.nextInt(13);
      int n = random.nextInt(70);
      int width = 1 + random.nextInt(7 * L);
      int aRow = n + random.nextInt(3);
      int bRow = width + random.nextInt(4);
      int outRow = width + random.nextInt(4);
      float[] a = Numbers.of(1 + rows * aRow, random);
      short[] codes = new short[2 + n * bRow];
      float[] drawn = Numbers.of(codes.length, random);
      for (int i = 0; i < codes.length; i++) {
        codes[i] = (short) (Float.floatToRawIntBits(drawn[i]) >>> 16);
      }
      float[] b = new float[codes.length];
      PLAIN.decodeBFloat16(codes, 0, codes.length, b, 0);
      float[] expected = Numbers.of(3 + rows * outRow, random);
      float[] fast = expected.clone();
      float[] plain = expected.clone();
      boolean add = random.nextBoolean();
      PLAIN.product(a, 1, aRow, 1, rows, n, b, 2, bRow, width, expected, 3, outRow, add);
      FAST.productBFloat16(a, 1, aRow, 1, rows, n, codes, 2, bRow, width, fast, 3, outRow, add);
      PLAIN.productBFloat16(a, 1, aRow, 1, rows, n, codes, 2, bRow, width, plain, 3, outRow, add);
      String what = "product " + rows + " × " + n + " × " + width + (add ? " added" : "");
      Numbers.assertSame(expected, fast, what);
      Numbers.assertSame(expected, plain, what + " by plain loops");
    }
  }

  /** Pieces one after the other give the bits of the whole. */
  @Test
  void panelProducts() {
    Random random = new Random(17);
    for (int turn = 0; turn < 200; turn++) {
      int rows = 1 + random.nextInt(50);
      int n = 1 + random.nextInt(2 * Kernels.PIECE);
      int width = random.nextBoolean() ? 2 * L : L;
      float[] w = Numbers.of(rows * n, random);
      float[] x = Numbers.of(1 + n * 2 * L, random);
      float[] expected = Numbers.of(3 + rows * 2 * L, random);
      float[] actual = expected.clone();
      PLAIN.product(w, 0, n, 1, rows, n, x, 1, 2 * L, width, expected, 3, 2 * L, false);
      float[] piece = Numbers.of(2 + rows * Kernels.PIECE_ROW, random);
      for (int k = 0; k < n; k += Kernels.PIECE) {
        int columns = Math.min(Kernels.PIECE, n - k);
        for (int r = 0; r < rows; r++) {
          System.arraycopy(w, r * n + k, piece, 2 + r * Kernels.PIECE_ROW, columns);
        }
        FAST.panelProduct(piece, 2, rows, columns, x, 1 + k * 2 * L, width, actual, 3, k > 0);
      }
      Numbers.assertSame(expected, actual, "panel " + rows + " × " + n + " × " + width);
    }
  }

  @Test
  void rmsNorm() {
    Random random = new Random(12);
    for (int n : MatrixTest.widths()) {
      float[] x = Numbers.of(n + 3, random);
      float[] gain = Numbers.of(n, random);
      double eps = random.nextBoolean() ? 1e-5 : 1e-6;
      float[] fast = new float[n + 3];
      float[] plain = new float[n + 3];
      FAST.rmsNorm(x, 3, n, gain, eps, fast, 2);
      PLAIN.rmsNorm(x, 3, n, gain, eps, plain, 2);
      assertNormed(x, 3, 1, n, gain, eps, fast, 2);
      assertNormed(x, 3, 1, n, gain, eps, plain, 2);
      FAST.rmsNorm(x, 3, n, gain, eps, x, 3);
      Numbers.assertSame(
          Arrays.copyOfRange(fast, 2, 2 + n), Arrays.copyOfRange(x, 3, 3 + n), "in place, " + n);
    }
  }

  @Test
  void rmsNormOfAPanel() {
    Random random = new Random(13);
    for (int n : MatrixTest.widths()) {
      int width = L * (1 + random.nextInt(3));
      float[] x = Numbers.of(n * width + 1, random);
      float[] gain = Numbers.of(n, random);
      float[] fast = new float[n * width + 2];
      float[] plain = new float[n * width + 2];
      FAST.rmsNormPanel(x, 1, n, width, gain, 1e-5, fast, 2);
      PLAIN.rmsNormPanel(x, 1, n, width, gain, 1e-5, plain, 2);
      for (int c = 0; c < width; c++) {
        assertNormed(x, 1 + c, width, n, gain, 1e-5, fast, 2 + c);
        assertNormed(x, 1 + c, width, n, gain, 1e-5, plain, 2 + c);
      }
      // A lane's bits depend on nothing beside it.
      float[] lonely = new float[n * width];
      int lane = random.nextInt(width);
      int other = random.nextInt(width);
      for (int i = 0; i < n; i++) {
        lonely[i * width + other] = x[1 + i * width + lane];
      }
      FAST.rmsNormPanel(lonely, 0, n, width, gain, 1e-5, lonely, 0);
      for (int i = 0; i < n; i++) {
        assertEquals(fast[2 + i * width + lane], lonely[i * width + other], "lane " + lane);
      }
    }
  }

  private static void assertNormed(
      float[] x, int at, int step, int n, float[] gain, double eps, float[] out, int outAt) {
    double squares = 0;
    for (int i = 0; i < n; i++) {
      squares += (double) x[at + i * step] * x[at + i * step];
    }
    double factor = 1 / Math.sqrt(squares / n + eps);
    for (int i = 0; i < n; i++) {
      double expected = x[at + i * step] * factor * gain[i];
      assertEquals(
          expected,
          out[outAt + i * step],
          (n + 8) * (0x1p-24 * Math.abs(expected)) + 4 * Float.MIN_NORMAL,
          "element " + i + " of " + n);
    }
  }

  @Test
  void rotation() {
    Random random = new Random(14);
    for (int half : MatrixTest.widths()) {
      float[] expected = Numbers.of(2 * half + 1, random);
      float[] actual = expected.clone();
      float[] cos = Numbers.of(half + 2, random);
      float[] sin = Numbers.of(half + 2, random);
      PLAIN.rotate(expected, 1, half, cos, sin, 2);
      FAST.rotate(actual, 1, half, cos, sin, 2);
      Numbers.assertSame(expected, actual, "half " + half);
    }
  }

  @Test
  void rotationKeepsLengthsAndTurnsByTheAngle() {
    float[] x = {3, 0, 4, 2};
    float[] cos = {0, -1};
    float[] sin = {1, 0};
    FAST.rotate(x, 0, 2, cos, sin, 0);
    Numbers.assertSame(new float[] {-4, -0.0f, 3, -2}, x, "a quarter turn and a half turn");
  }

  @Test
  void swiGlu() {
    Random random = new Random(15);
    for (int n : MatrixTest.widths()) {
      float[] expected = Numbers.of(n + 1, random);
      expected[1] = random.nextBoolean() ? 200 : -200;
      float[] gate = expected.clone();
      float[] actual = expected.clone();
      float[] up = Numbers.of(n + 2, random);
      PLAIN.swiGlu(expected, 1, up, 2, n);
      FAST.swiGlu(actual, 1, up, 2, n);
      Numbers.assertSame(expected, actual, "n " + n);
      for (int i = 0; i < n; i++) {
        double silu = gate[1 + i] / (1 + Math.exp(-(double) gate[1 + i]));
        assertEquals(
            silu * up[2 + i],
            actual[1 + i],
            1e-6 * Math.abs(silu * up[2 + i]) + 1e-30,
            "silu(" + gate[1 + i] + ")");
      }
    }
  }

  @Test
  void additionsAndScales() {
    Random random = new Random(16);
    for (int n : MatrixTest.widths()) {
      float[] expected = Numbers.of(n + 1, random);
      float[] actual = expected.clone();
      float[] x = Numbers.of(n + 2, random);
      float factor = (float) random.nextGaussian();
      PLAIN.addScaled(expected, 1, x, 2, n, factor);
      FAST.addScaled(actual, 1, x, 2, n, factor);
      Numbers.assertSame(expected, actual, "addScaled " + n);
      PLAIN.scale(expected, 1, n, factor);
      FAST.scale(actual, 1, n, factor);
      Numbers.assertSame(expected, actual, "scale " + n);
      int width = L * (1 + random.nextInt(3));
      float[] panel = Numbers.of(n * width + 1, random);
      float[] other = panel.clone();
      float[] factors = Numbers.of(width + 1, random);
      PLAIN.scaleColumns(panel, 1, n, width, factors, 1);
      FAST.scaleColumns(other, 1, n, width, factors, 1);
      Numbers.assertSame(panel, other, "scaleColumns " + n + " × " + width);
    }
  }

  @Test
  void largestAndLogSumExp() {
    Random random = new Random(17);
    for (int n : MatrixTest.widths()) {
      float[] x = Numbers.of(n + 2, random);
      assertEquals(PLAIN.max(x, 2, n), FAST.max(x, 2, n));
      double sum = 0;
      for (int i = 0; i < n; i++) {
        x[2 + i] %= 50;
        sum += Math.exp(x[2 + i]);
      }
      assertEquals(Math.log(sum), PLAIN.logSumExp(x, 2, n), 1e-5 * (1 + Math.abs(Math.log(sum))));
      assertEquals(Math.log(sum), FAST.logSumExp(x, 2, n), 1e-5 * (1 + Math.abs(Math.log(sum))));
      x[2 + random.nextInt(n)] = Float.NaN;
      assertTrue(Float.isNaN(FAST.logSumExp(x, 2, n)), "NaN is not lost among " + n);
    }
  }

  /** Pages one after the other are the softmax of the whole row. */
  @Test
  void softmaxOfARow() {
    Random random = new Random(18);
    for (int turn = 0; turn < 300; turn++) {
      int pages = 1 + random.nextInt(4);
      int n = L * (1 + random.nextInt(4));
      int from = random.nextInt(n);
      int to = (pages - 1) * n + 1 + random.nextInt(n);
      from = Math.min(from, to - 1);
      float scale = random.nextFloat() + 0.01f;
      float[] scores = new float[pages * n];
      for (int i = 0; i < scores.length; i++) {
        scores[i] = (float) (30 * random.nextGaussian());
      }
      float[] fast = scores.clone();
      float[] plain = scores.clone();
      float[] fastState = {9, Float.NEGATIVE_INFINITY, 0};
      float[] plainState = fastState.clone();
      float[] weights = new float[scores.length];
      for (int p = 0; p < pages; p++) {
        int begin = Math.max(0, from - p * n);
        int end = Math.min(n, to - p * n);
        float rescale = FAST.softmaxRow(fast, p * n, n, begin, end, scale, fastState, 1);
        assertEquals(PLAIN.softmaxRow(plain, p * n, n, begin, end, scale, plainState, 1), rescale);
        for (int i = 0; i < p * n; i++) {
          weights[i] *= rescale;
        }
        System.arraycopy(fast, p * n, weights, p * n, n);
      }
      Numbers.assertSame(plain, fast, "scores");
      assertEquals(plainState[1], fastState[1], "maximum");
      assertEquals(plainState[2], fastState[2], 1e-6 * plainState[2] * pages, "sum");
      double max = Double.NEGATIVE_INFINITY;
      for (int i = from; i < to; i++) {
        max = Math.max(max, (double) scores[i] * scale);
      }
      double sum = 0;
      for (int i = from; i < to; i++) {
        sum += Math.exp((double) scores[i] * scale - max);
      }
      for (int i = 0; i < scores.length; i++) {
        double expected =
            i < from || i >= to ? 0 : Math.exp((double) scores[i] * scale - max) / sum;
        assertEquals(expected, weights[i] / fastState[2], 2e-5, "weight " + i);
      }
    }
  }

  @Test
  void softmaxOfAPanel() {
    Random random = new Random(19);
    for (int turn = 0; turn < 300; turn++) {
      int width = L * (1 + random.nextInt(3));
      int rows = 1 + random.nextInt(32);
      int query = random.nextInt(100);
      int window = random.nextInt(3) == 0 ? Integer.MAX_VALUE : 1 + random.nextInt(60);
      float[] max = new float[width];
      float[] sum = new float[width];
      Arrays.fill(max, Float.NEGATIVE_INFINITY);
      float[] plainMax = max.clone();
      float[] plainSum = sum.clone();
      float scale = random.nextFloat() + 0.01f;
      for (int key = Math.max(0, query - 40); key <= query + width; key += rows) {
        float[] fast = new float[rows * width + 2];
        for (int i = 0; i < fast.length; i++) {
          fast[i] = (float) (20 * random.nextGaussian());
        }
        float[] plain = fast.clone();
        float[] rescale = new float[width];
        float[] plainRescale = new float[width];
        FAST.softmaxPanel(fast, 2, rows, width, key, query, window, scale, max, sum, rescale);
        PLAIN.softmaxPanel(
            plain, 2, rows, width, key, query, window, scale, plainMax, plainSum, plainRescale);
        String what = rows + " keys from " + key + ", queries from " + query + ", window " + window;
        Numbers.assertSame(plain, fast, what);
        Numbers.assertSame(plainMax, max, what + ": maximum");
        Numbers.assertSame(plainSum, sum, what + ": sum");
        Numbers.assertSame(plainRescale, rescale, what + ": rescale");
        for (int r = 0; r < rows; r++) {
          for (int c = 0; c < width; c++) {
            boolean seen = key + r <= query + c && (long) key + r > (long) query + c - window;
            assertTrue(seen || fast[2 + r * width + c] == 0, what + ": a hidden key has weight");
          }
        }
      }
    }
  }
}
