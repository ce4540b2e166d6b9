package dev.graft.kernel;

/**
 * e^x in float32 to about two units in the last place: x = n ln 2 + r, a polynomial in r (the
 * coefficients of Cephes' {@code expf}), 2^n by exponent arithmetic. {@code Math.exp} and the
 * Vector API's own differ between compiled and interpreted code; this does not.
 */
final class Exponential {
  static final float LOG2_E = 1.442695f;
  static final float LN2_HIGH = 0x1.63p-1f;
  static final float LN2_LOW = -2.12194440e-4f;

  /** Adding it rounds to an integer, whose bits then stand lowest. */
  static final float ROUND = 0x1.8p23f;

  /** Below, the result would be subnormal; 0 is returned. */
  static final float SMALLEST = -87.33654f;

  static final float LARGEST = 88.37626f;
  static final float C0 = 0.00019875691f;
  static final float C1 = 0.0013981999f;
  static final float C2 = 0.008333452f;
  static final float C3 = 0.041665796f;
  static final float C4 = 0.16666666f;
  static final float C5 = 0.5f;

  private Exponential() {}

  /** e^x; 0 below {@link #SMALLEST}, at most e^88.38. */
  static float exp(float x) {
    if (!(x >= SMALLEST)) {
      return x < SMALLEST ? 0 : Float.NaN;
    }
    float bounded = Math.min(x, LARGEST);
    float shifted = Math.fma(bounded, LOG2_E, ROUND);
    float n = shifted - ROUND;
    float r = Math.fma(n, -LN2_HIGH, bounded);
    r = Math.fma(n, -LN2_LOW, r);
    float p = Math.fma(C0, r, C1);
    p = Math.fma(p, r, C2);
    p = Math.fma(p, r, C3);
    p = Math.fma(p, r, C4);
    p = Math.fma(p, r, C5);
    p = Math.fma(p, r * r, r) + 1;
    return p * Float.intBitsToFloat((Float.floatToRawIntBits(shifted) << 23) + 0x3F800000);
  }
}
