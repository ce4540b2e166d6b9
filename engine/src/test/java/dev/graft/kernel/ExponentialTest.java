package dev.graft.kernel;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Random;
import jdk.incubator.vector.FloatVector;
import org.junit.jupiter.api.Test;

class ExponentialTest {
  private static float[] vectors(float[] x) {
    float[] out = new float[x.length];
    for (int i = 0; i < x.length; i += Lanes.COUNT) {
      VectorKernels.exp(FloatVector.fromArray(Lanes.FLOATS, x, i)).intoArray(out, i);
    }
    return out;
  }

  @Test
  void twoUnitsInTheLastPlaceAndTheSameInVectors() {
    Random random = new Random(20);
    float[] x = new float[1 << 20];
    for (int i = 0; i < x.length; i++) {
      x[i] =
          i % 2 == 0
              ? Exponential.SMALLEST
                  + random.nextFloat() * (Exponential.LARGEST - Exponential.SMALLEST)
              : (float) random.nextGaussian();
    }
    float[] vectors = vectors(x);
    for (int i = 0; i < x.length; i++) {
      float value = Exponential.exp(x[i]);
      assertEquals(value, vectors[i], "e^" + x[i]);
      double exact = Math.exp(x[i]);
      assertTrue(
          Math.abs(value - exact) <= 2 * Math.ulp((float) exact),
          () -> "e^ is " + value + ", not " + exact);
    }
  }

  @Test
  void limits() {
    float[] x = new float[64];
    float[] given = {
      0,
      -0.0f,
      1,
      Float.MIN_VALUE,
      -Float.MIN_VALUE,
      Exponential.SMALLEST,
      Math.nextDown(Exponential.SMALLEST),
      Exponential.LARGEST,
      Math.nextDown(Exponential.LARGEST),
      89,
      -104,
      Float.MAX_VALUE,
      -Float.MAX_VALUE,
      Float.POSITIVE_INFINITY,
      Float.NEGATIVE_INFINITY,
      Float.NaN,
    };
    System.arraycopy(given, 0, x, 0, given.length);
    float[] vectors = vectors(x);
    for (int i = 0; i < x.length; i++) {
      assertEquals(Exponential.exp(x[i]), vectors[i], "e^" + x[i]);
    }
    assertEquals(1, Exponential.exp(0));
    assertEquals(0, Exponential.exp(Math.nextDown(Exponential.SMALLEST)));
    assertTrue(Exponential.exp(Exponential.SMALLEST) >= Float.MIN_NORMAL);
    assertTrue(Float.isNaN(Exponential.exp(Float.NaN)));
    double largest = Math.exp(Exponential.LARGEST);
    assertEquals(largest, Exponential.exp(Exponential.LARGEST), 2 * Math.ulp((float) largest));
    assertEquals(Exponential.exp(Exponential.LARGEST), Exponential.exp(Float.POSITIVE_INFINITY));
  }
}
