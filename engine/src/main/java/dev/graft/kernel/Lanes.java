package dev.graft.kernel;

import java.nio.ByteOrder;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShape;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/** The vector shape of this process, and sums over its lanes in an order that never changes. */
final class Lanes {
  static final ByteOrder ORDER = ByteOrder.LITTLE_ENDIAN;
  static final VectorSpecies<Float> FLOATS =
      VectorSpecies.of(float.class, VectorShape.forBitSize(VectorWidth.here().bits()));
  static final int COUNT = FLOATS.length();
  static final VectorSpecies<Integer> INTS = FLOATS.withLanes(int.class);

  /** As many bytes as there are floats. */
  static final VectorSpecies<Byte> BYTES = bytes();

  /** As many shorts as there are floats. */
  static final VectorSpecies<Short> SHORTS =
      VectorSpecies.of(short.class, VectorShape.forBitSize(FLOATS.vectorBitSize() / 2));

  static final VectorShuffle<Float> SWAP_8 = swap(8);
  static final VectorShuffle<Float> SWAP_4 = swap(4);
  static final VectorShuffle<Float> SWAP_2 = swap(2);
  static final VectorShuffle<Float> SWAP_1 = swap(1);

  private Lanes() {}

  /** Four bytes have no shape of their own: 128 bits of floats read eight and use four. */
  private static VectorSpecies<Byte> bytes() {
    return VectorSpecies.of(
        byte.class, VectorShape.forBitSize(Math.max(64, FLOATS.vectorBitSize() / 4)));
  }

  private static VectorShuffle<Float> swap(int distance) {
    return VectorShuffle.fromOp(FLOATS, i -> (i ^ distance) % COUNT);
  }

  /**
   * Adds the lanes by halves. {@code reduceLanes} leaves the order open, and compiled and
   * interpreted code do differ in it.
   */
  static float sum(FloatVector v) {
    FloatVector sum = v;
    if (COUNT >= 16) {
      sum = sum.add(sum.rearrange(SWAP_8));
    }
    if (COUNT >= 8) {
      sum = sum.add(sum.rearrange(SWAP_4));
    }
    if (COUNT >= 4) {
      sum = sum.add(sum.rearrange(SWAP_2));
    }
    return sum.add(sum.rearrange(SWAP_1)).lane(0);
  }

  /** The largest lane. */
  static float max(FloatVector v) {
    return v.reduceLanes(VectorOperators.MAX);
  }

  /** Sign-extended bytes as floats. */
  static FloatVector fromInt8(ByteVector codes) {
    return (FloatVector) codes.castShape(FLOATS, 0);
  }

  /**
   * E4M3 codes as floats times 2⁻¹²⁰, exactly, subnormals included: sign and the seven bits below
   * it, moved to where float32 has them.
   */
  static FloatVector fromFloat8(ByteVector codes) {
    IntVector bits = (IntVector) codes.castShape(INTS, 0);
    return bits.lanewise(VectorOperators.LSHL, 20).and(0x87F00000).reinterpretAsFloats();
  }

  /** bfloat16 as floats, exactly. */
  static FloatVector fromBFloat16(ShortVector codes) {
    IntVector bits = (IntVector) codes.castShape(INTS, 0);
    return bits.lanewise(VectorOperators.LSHL, 16).reinterpretAsFloats();
  }

  /** Finite float16 as floats times 2⁻¹¹², exactly, subnormals included. */
  static FloatVector fromFloat16(ShortVector codes) {
    IntVector bits = (IntVector) codes.castShape(INTS, 0);
    return bits.lanewise(VectorOperators.LSHL, 13).and(0x8FFFE000).reinterpretAsFloats();
  }
}
