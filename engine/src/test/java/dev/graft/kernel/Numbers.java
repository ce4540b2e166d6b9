package dev.graft.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;

/** Numbers to compute with, and what may differ between two orders of addition. */
final class Numbers {
  private static final double ROUNDING = 0x1p-24;

  private Numbers() {}

  /** Normal numbers with both zeros, subnormals and a few of very different size among them. */
  static void fill(float[] x, Random random) {
    for (int i = 0; i < x.length; i++) {
      float value = (float) random.nextGaussian();
      x[i] =
          switch (random.nextInt(16)) {
            case 0 -> -0.0f;
            case 1 -> 0;
            case 2 -> value * 0x1p-135f;
            case 3 -> value * 1e4f;
            case 4 -> value * 1e-6f;
            default -> value;
          };
    }
  }

  static float[] of(int count, Random random) {
    float[] x = new float[count];
    fill(x, random);
    return x;
  }

  /** What a sum of products must be near to, whichever way it is added. */
  static final class Sum {
    private double exact;
    private double size;
    private int terms;

    Sum add(float a, float b) {
      exact += (double) a * b;
      size += Math.abs((double) a * b);
      terms++;
      return this;
    }

    double exact() {
      return exact;
    }

    /** n rounding errors of at most half a unit each, and as many of what is subnormal. */
    void assertNear(float actual, String what) {
      double bound = (terms + 8) * (ROUNDING * size + Float.MIN_VALUE);
      assertTrue(
          Math.abs(actual - exact) <= bound,
          () -> what + ": " + actual + " is not " + exact + " ± " + bound);
    }
  }

  /** Bit for bit, −0 and 0 apart; any NaN equals any. */
  static void assertSame(float[] expected, float[] actual, String what) {
    assertEquals(expected.length, actual.length, what);
    for (int i = 0; i < expected.length; i++) {
      if (Float.floatToIntBits(expected[i]) != Float.floatToIntBits(actual[i])) {
        int at = i;
        throw new AssertionError(
            what + ": value " + at + " is " + actual[at] + ", not " + expected[at]);
      }
    }
  }
}
