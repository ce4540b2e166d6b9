package dev.graft.export;

import dev.graft.checkpoint.GgufPlace;
import dev.graft.checkpoint.InvalidInputException;
import dev.graft.checkpoint.Weight;
import dev.graft.checkpoint.WeightRows;
import dev.graft.gguf.GgmlBlocks;
import dev.graft.gguf.GgmlType;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** One weight on its way into a file: its rows in the file's order, encoded, in pieces. */
final class GgufRows {
  private static final int PIECE = 1 << 22;
  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfFloat FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final Weight weight;
  private final GgufPlace place;
  private final GgmlType type;
  private final WeightRows rows;
  private final float[] row;

  /** Takes pieces in order. */
  interface Sink {
    /**
     * Takes a piece.
     *
     * @param offset in bytes from the weight's start
     */
    void accept(long offset, MemorySegment piece) throws IOException;
  }

  /**
   * A weight to be encoded.
   *
   * @param type F32, F16 or Q8_0
   */
  GgufRows(Weight weight, GgufPlace place, GgmlType type) {
    this.weight = weight;
    this.place = place;
    this.type = type;
    this.rows = new WeightRows(weight);
    this.row = new float[weight.columns()];
  }

  /** Bytes of the encoded weight. */
  long bytes() {
    return weight.rows() * type.bytes(weight.columns());
  }

  /**
   * Encodes every row.
   *
   * @throws InvalidInputException if a number is not finite, or too large for float16
   */
  void write(Sink sink) throws IOException {
    long rowBytes = type.bytes(weight.columns());
    int rowsAtOnce = Math.clamp(PIECE / rowBytes, 1, weight.rows());
    byte[] piece = new byte[Math.toIntExact(rowsAtOnce * rowBytes)];
    MemorySegment segment = MemorySegment.ofArray(piece);
    // A vector is one row, but its numbers are rows of a head: the bias of a paired projection.
    for (int first = 0; first < weight.rows(); first += rowsAtOnce) {
      int count = Math.min(rowsAtOnce, weight.rows() - first);
      for (int r = 0; r < count; r++) {
        encode(first + r, segment, r * rowBytes);
      }
      sink.accept(first * rowBytes, segment.asSlice(0, count * rowBytes));
    }
  }

  private void encode(int target, MemorySegment into, long offset) {
    boolean vector = weight.rows() == 1 && place.pairedHeads() > 0;
    int source = vector ? 0 : place.sourceRow(target, weight.rows());
    if (type == GgmlType.Q8_0 && weight instanceof Weight.Int8 int8) {
      carry(int8, source, into, offset);
      return;
    }
    rows.copy(source, row);
    for (int c = 0; c < row.length && type != GgmlType.Q8_0; c++) {
      float value = row[vector ? place.sourceRow(c, row.length) : c];
      if (type == GgmlType.F32) {
        into.set(FLOAT, offset + c * 4L, value);
      } else {
        short half = Float.floatToFloat16(value);
        if (!Float.isFinite(Float.float16ToFloat(half))) {
          throw new InvalidInputException(
              "tensor "
                  + weight.name()
                  + " holds "
                  + value
                  + ", which float16 cannot hold; export as q8_0");
        }
        into.set(SHORT, offset + c * 2L, half);
      }
    }
    if (type == GgmlType.Q8_0) {
      GgmlBlocks.quantize(row, into, offset);
    }
  }

  /** The codes and scales as they are: rounding twice would change them. */
  private static void carry(Weight.Int8 from, int row, MemorySegment into, long offset) {
    for (long block = 0; block < from.columns() / Weight.BLOCK; block++) {
      long at = offset + block * GgmlType.Q8_0.blockBytes();
      MemorySegment.copy(
          from.scales(),
          from.scaleStart() + row * from.scaleRow() + block * from.scaleBlock(),
          into,
          at,
          2);
      MemorySegment.copy(
          from.codes(),
          from.codeStart() + row * from.codeRow() + block * from.codeBlock(),
          into,
          at + 2,
          Weight.BLOCK);
    }
  }
}
