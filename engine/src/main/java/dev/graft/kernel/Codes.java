package dev.graft.kernel;

import dev.graft.checkpoint.InvalidInputException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** Single stored values as float32, and the room they need. */
final class Codes {
  static final ValueLayout.OfByte BYTE = ValueLayout.JAVA_BYTE;
  static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  static final ValueLayout.OfFloat FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private Codes() {}

  /** E4M3 without infinities times 2⁻¹²⁰; the two NaN codes become ±480. */
  static float float8(byte code) {
    return Float.intBitsToFloat(code << 20 & 0x87F00000);
  }

  static float bfloat16(short code) {
    return Float.intBitsToFloat(code << 16);
  }

  static float float16(short code) {
    return Float.float16ToFloat(code);
  }

  /**
   * Vector loads are not checked one by one in production, so a weight is checked whole before the
   * first.
   */
  static void requireBytes(String name, MemorySegment data, long bytes) {
    if (data.byteSize() < bytes) {
      throw new InvalidInputException(
          "tensor "
              + name
              + " holds "
              + data.byteSize()
              + " bytes where its shape needs "
              + bytes
              + "; fetch the checkpoint again");
    }
  }
}
