package dev.graft.quantize;

/**
 * float32 to FP8 E4M3 (OCP 8-bit floating point, "E4M3": 4 exponent bits of bias 7, 3 mantissa
 * bits, no infinities): round to nearest, ties to even, saturating at ±{@value #MAX}.
 */
public final class Float8Encoder {
  /** The largest finite value. */
  public static final float MAX = 448;

  private static final int MAX_CODE = 0x7E;
  private static final int NAN_CODE = 0x7F;
  private static final int MAX_BITS = Float.floatToRawIntBits(MAX);
  private static final int LEAST_NORMAL_BITS = Float.floatToRawIntBits(0x1p-6f);

  /** One unit in the last place of this float32 is the least subnormal, 2^-9. */
  private static final float SUBNORMAL_UNIT = 0x1p14f;

  private Float8Encoder() {}

  /** The code nearest to a value; infinities saturate, NaN stays NaN, zeros keep their sign. */
  public static byte encode(float value) {
    int bits = Float.floatToRawIntBits(value);
    int sign = bits >>> 24 & 0x80;
    int magnitude = bits & 0x7FFFFFFF;
    if (magnitude >= MAX_BITS) {
      return (byte) (sign | (Float.isNaN(value) ? NAN_CODE : MAX_CODE));
    }
    if (magnitude < LEAST_NORMAL_BITS) {
      float shifted = Float.intBitsToFloat(magnitude) + SUBNORMAL_UNIT;
      int code = Float.floatToRawIntBits(shifted) - Float.floatToRawIntBits(SUBNORMAL_UNIT);
      return (byte) (sign | code);
    }
    int rounded = magnitude + 0x7FFFF + (magnitude >>> 20 & 1);
    int code = (rounded >>> 20) - ((127 - 7) << 3);
    return (byte) (sign | code);
  }
}
