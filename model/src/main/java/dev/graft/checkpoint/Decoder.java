package dev.graft.checkpoint;

import dev.graft.gguf.GgmlBlocks;
import dev.graft.gguf.GgmlType;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** Stored elements to float32 and back. */
final class Decoder {
  static final ValueLayout.OfFloat FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  static final ValueLayout.OfDouble DOUBLE =
      ValueLayout.JAVA_DOUBLE_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private Decoder() {}

  static void toFloats(DType dtype, MemorySegment from, MemorySegment to, long elements) {
    switch (dtype) {
      case F32 -> MemorySegment.copy(from, 0, to, 0, elements * 4);
      case BF16 -> {
        for (long i = 0; i < elements; i++) {
          to.set(FLOAT, i * 4, Float.intBitsToFloat(from.get(SHORT, i * 2) << 16));
        }
      }
      case F16 -> {
        for (long i = 0; i < elements; i++) {
          to.set(FLOAT, i * 4, Float.float16ToFloat(from.get(SHORT, i * 2)));
        }
      }
      case F8_E4M3 -> {
        for (long i = 0; i < elements; i++) {
          to.set(FLOAT, i * 4, float8(from.get(ValueLayout.JAVA_BYTE, i)));
        }
      }
      case F64 -> {
        for (long i = 0; i < elements; i++) {
          to.set(FLOAT, i * 4, (float) from.get(DOUBLE, i * 8));
        }
      }
      case Q8_0, Q4_0, Q4_1 ->
          GgmlBlocks.toFloats(GgmlType.valueOf(dtype.name()), from, to, elements);
      case I64, I32, I8, U8 ->
          throw new InvalidInputException(
              "a weight of type " + dtype + " cannot be read as numbers of a model");
    }
  }

  /** E4M3 without infinities: bias 7, 0x7F and 0xFF are NaN. */
  static float float8(byte code) {
    int bits = code & 0x7F;
    if (bits == 0x7F) {
      return Float.NaN;
    }
    // As exponent and mantissa of a float32 the code is the value times 2^-120, subnormals
    // included.
    return Float.intBitsToFloat((code & 0x80) << 24 | bits << 20) * 0x1p120f;
  }

  /** Index of the first NaN or infinity, or −1. */
  static long firstNotFinite(DType dtype, MemorySegment data, long elements) {
    switch (dtype) {
      case F32 -> {
        for (long i = 0; i < elements; i++) {
          if ((data.get(INT, i * 4) & 0x7F800000) == 0x7F800000) {
            return i;
          }
        }
      }
      case BF16 -> {
        return firstShort(data, elements, 0x7F80);
      }
      case F16 -> {
        return firstShort(data, elements, 0x7C00);
      }
      case F8_E4M3 -> {
        for (long i = 0; i < elements; i++) {
          if ((data.get(ValueLayout.JAVA_BYTE, i) & 0x7F) == 0x7F) {
            return i;
          }
        }
      }
      case F64 -> {
        for (long i = 0; i < elements; i++) {
          if (!Double.isFinite(data.get(DOUBLE, i * 8))) {
            return i;
          }
        }
      }
      case Q8_0, Q4_0, Q4_1 -> {
        long block = GgmlBlocks.firstNotFinite(GgmlType.valueOf(dtype.name()), data, elements);
        return block < 0 ? -1 : block * GgmlBlocks.SIZE;
      }
      case I64, I32, I8, U8 -> {
        return -1;
      }
    }
    return -1;
  }

  /**
   * Four elements at a time: an element whose exponent bits are all set carries when the lowest is
   * added.
   */
  private static long firstShort(MemorySegment data, long elements, int exponent) {
    long mask = exponent * 0x0001000100010001L;
    long lowest = Integer.lowestOneBit(exponent) * 0x0001000100010001L;
    long i = 0;
    for (; i + 4 <= elements; i += 4) {
      long carried = (data.get(LONG, i * 2) & mask) + lowest;
      if ((carried & 0x8000800080008000L) != 0) {
        break;
      }
    }
    for (; i < elements; i++) {
      if ((data.get(SHORT, i * 2) & exponent) == exponent) {
        return i;
      }
    }
    return -1;
  }
}
