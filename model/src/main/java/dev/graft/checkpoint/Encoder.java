package dev.graft.checkpoint;

import java.lang.foreign.MemorySegment;

/** float32 to stored elements, rounded to nearest, ties to even. */
public final class Encoder {
  private Encoder() {}

  /**
   * The values as stored elements.
   *
   * @throws InvalidInputException for a type that is not F32, F16, BF16 or F64
   */
  public static MemorySegment encode(float[] values, DType dtype) {
    MemorySegment out =
        MemorySegment.ofArray(new byte[Math.multiplyExact(values.length, dtype.bytes())]);
    for (int i = 0; i < values.length; i++) {
      switch (dtype) {
        case F32 -> out.set(Decoder.FLOAT, i * 4L, values[i]);
        case F64 -> out.set(Decoder.DOUBLE, i * 8L, values[i]);
        case F16 -> out.set(Decoder.SHORT, i * 2L, Float.floatToFloat16(values[i]));
        case BF16 -> out.set(Decoder.SHORT, i * 2L, bfloat16(values[i]));
        case F8_E4M3, I64, I32, I8, U8, Q8_0, Q4_0, Q4_1 ->
            throw new InvalidInputException(
                "weights of type " + dtype + " cannot be made anew; take F32, F16 or BF16");
      }
    }
    return out;
  }

  static short bfloat16(float value) {
    int bits = Float.floatToRawIntBits(value);
    if (Float.isNaN(value)) {
      return (short) (bits >>> 16 | 0x40);
    }
    return (short) ((bits + 0x7FFF + (bits >>> 16 & 1)) >>> 16);
  }
}
