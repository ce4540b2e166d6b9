package dev.graft.kernel;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import dev.graft.checkpoint.DType;
import dev.graft.checkpoint.Weight;
import java.lang.foreign.MemorySegment;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** Every form of weight on the Vector API beside the same weight by its definition. */
class MatrixTest {
  private static final Kernels KERNELS = KernelChoice.best();

  /** All short rows, and what lies around multiples of vectors, groups of vectors and blocks. */
  static int[] widths() {
    return IntStream.concat(
            IntStream.rangeClosed(1, 130),
            IntStream.of(159, 160, 161, 191, 192, 255, 256, 257, 288, 384, 416, 511, 512, 576))
        .toArray();
  }

  @ParameterizedTest
  @EnumSource
  void decodesBitForBit(WeightForm form) {
    Random random = new Random(1);
    for (int columns : widths()) {
      int rows = columns % 32 == 1 ? 131 : 1 + random.nextInt(4);
      WeightForm.Twins twins = form.twins(rows, columns, random);
      for (int row = 0; row < rows; row++) {
        assertDecodes(twins, row, 0, columns, form);
        int from = random.nextInt(columns);
        assertDecodes(twins, row, from, from + random.nextInt(columns - from + 1), form);
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void decodesRowsInPieces(WeightForm form) {
    Random random = new Random(6);
    for (int columns : new int[] {64, 192, 288, 576, 608, 1000}) {
      int rows = 1 + random.nextInt(20);
      WeightForm.Twins twins = form.twins(rows, columns, random);
      int first = random.nextInt(rows);
      for (int from : new int[] {0, 32, 37}) {
        int step = rows * Kernels.PIECE_ROW + random.nextInt(3);
        float[] pieces = new float[Math.ceilDiv(columns, Kernels.PIECE) * step];
        Matrix fast = twins.fast();
        fast.decodePieces(first, rows, from, columns, pieces, step);
        float[] row = new float[columns - from];
        float[] expected = new float[columns - from];
        for (int r = first; r < rows; r++) {
          for (int i = 0; i < row.length; i++) {
            int at = i / Kernels.PIECE * step + (r - first) * Kernels.PIECE_ROW;
            row[i] = pieces[at + i % Kernels.PIECE];
          }
          twins.plain().decode(r, from, columns, expected, 0);
          Numbers.assertSame(expected, row, form + " row " + r + " from " + from);
        }
      }
    }
  }

  private static void assertDecodes(
      WeightForm.Twins twins, int row, int from, int to, WeightForm form) {
    float[] expected = new float[to - from + 2];
    float[] actual = new float[to - from + 2];
    twins.plain().decode(row, from, to, expected, 1);
    twins.fast().decode(row, from, to, actual, 1);
    Numbers.assertSame(expected, actual, form + " row " + row + " columns " + from + "…" + to);
  }

  @ParameterizedTest
  @EnumSource
  void multipliesAsItsDecodedRows(WeightForm form) {
    Random random = new Random(2);
    for (int columns : widths()) {
      int rows = columns % 64 == 1 ? 131 : 1 + random.nextInt(4);
      WeightForm.Twins twins = form.twins(rows, columns, random);
      assertMultiplies(twins, 0, rows, 0, columns, random, form);
      int rowFrom = random.nextInt(rows);
      int from = random.nextInt(columns);
      int to = from + 1 + random.nextInt(columns - from);
      assertMultiplies(twins, rowFrom, rows, from, to, random, form);
      // A rank's slice of the columns begins at a block.
      int block = Math.min(from / 128 * 128, columns - 1);
      assertMultiplies(twins, rowFrom, rows, block, columns, random, form);
      block = Math.min(from / 32 * 32, columns - 1);
      assertMultiplies(twins, rowFrom, rows, block, columns / 32 * 32, random, form);
    }
  }

  private static void assertMultiplies(
      WeightForm.Twins twins,
      int rowFrom,
      int rowTo,
      int from,
      int to,
      Random random,
      Object form) {
    int columns = to - from;
    if (columns <= 0) {
      return;
    }
    float[] x = Numbers.of(columns + 3, random);
    float[] row = new float[columns];
    float[] fused = new float[rowTo - rowFrom + 1];
    boolean fuses = twins.fast().fuses(from, to);
    if (fuses) {
      float[] scratch = new float[twins.fast().room(rowTo - rowFrom)];
      twins.fast().dot(rowFrom, rowTo, from, to, x, 3, scratch, fused, 1);
    }
    float[] plain = new float[rowTo - rowFrom + 1];
    twins.plain().dot(rowFrom, rowTo, from, to, x, 3, new float[0], plain, 1);
    float[] one = new float[1];
    float[] room = new float[12 * KERNELS.lanes()];
    for (int r = rowFrom; r < rowTo; r++) {
      String what = form + " row " + r + " columns " + from + "…" + to;
      twins.fast().decode(r, from, to, row, 0);
      Numbers.Sum sum = new Numbers.Sum();
      for (int i = 0; i < columns; i++) {
        sum.add(row[i], x[3 + i]);
      }
      KERNELS.dots(row, 0, 1, columns, x, 3, 0, 1, one, 0, 1, room);
      sum.assertNear(one[0], what);
      sum.assertNear(plain[1 + r - rowFrom], what + " by plain loops");
      if (fuses) {
        Numbers.assertSame(one, new float[] {fused[1 + r - rowFrom]}, what + " fused");
      }
    }
  }

  @Test
  void readsEveryCode() {
    MemorySegment bytes = WeightForm.bytes(256);
    for (int i = 0; i < 256; i++) {
      bytes.set(Codes.BYTE, i, (byte) i);
    }
    Weight.Float8 float8 = new Weight.Float8("f8", 1, 256, bytes, new float[] {1}, 1, 256);
    assertInstanceOf(VectorFloat8.class, KERNELS.matrix(float8));
    assertEveryCode(float8);
    MemorySegment shorts = WeightForm.bytes(2 << 16);
    for (int i = 0; i < 1 << 16; i++) {
      shorts.set(Codes.SHORT, 2L * i, (short) i);
    }
    assertEveryCode(new Weight.Plain("bf16", 1, 1 << 16, DType.BF16, shorts));
    for (int from : new int[] {0, 0x8000}) {
      MemorySegment finite = shorts.asSlice(2L * from, 2 * 0x7C00);
      assertEveryCode(new Weight.Plain("f16", 1, 0x7C00, DType.F16, finite));
    }
  }

  @Test
  void overflowedFloat16IsNotANumberOfTheModel() {
    MemorySegment codes = WeightForm.bytes(2 * 64);
    float[] row = new float[64];
    for (int code = 0x7C00; code < 0x8000; code++) {
      for (int sign : new int[] {0, 0x8000}) {
        for (int i = 0; i < row.length; i++) {
          codes.set(Codes.SHORT, 2L * i, (short) (code | sign));
        }
        Matrix matrix = KERNELS.matrix(new Weight.Plain("f16", 1, 64, DType.F16, codes));
        matrix.decode(0, 0, 63, row, 0);
        float[] sum = new float[1];
        matrix.dot(0, 1, 0, 64, row, 0, new float[0], sum, 0);
        assertFalse(Float.isFinite(sum[0]), "code " + code);
        for (int i = 0; i < 63; i++) {
          assertFalse(Float.isFinite(row[i]), "code " + code);
        }
      }
    }
  }

  private static void assertEveryCode(Weight weight) {
    float[] expected = new float[weight.columns()];
    float[] actual = new float[weight.columns()];
    new ScalarMatrix(weight, true).decode(0, 0, weight.columns(), expected, 0);
    KERNELS.matrix(weight).decode(0, 0, weight.columns(), actual, 0);
    Numbers.assertSame(expected, actual, weight.name());
  }

  /** The codes of E4M3 by arithmetic rather than by bits (OCP 8-bit floating point, table 2). */
  @Test
  void float8CodesMeanWhatTheFormatSays() {
    for (int code = 0; code < 256; code++) {
      int exponent = code >> 3 & 15;
      int mantissa = code & 7;
      if (exponent == 15 && mantissa == 7) {
        continue; // NaN
      }
      double magnitude =
          exponent == 0 ? mantissa * 0x1p-9 : (8 + mantissa) * Math.pow(2, exponent - 10);
      double value = code < 128 ? magnitude : -magnitude;
      Numbers.assertSame(
          new float[] {(float) value},
          new float[] {Codes.float8((byte) code) * 0x1p120f},
          "code " + code);
    }
  }

  /** Reading a scale as a vector reads the scales of all rows, whatever the strides. */
  @Test
  void aSliceOfRowsUsesItsOwnScales() {
    Random random = new Random(3);
    for (WeightForm form : WeightForm.values()) {
      WeightForm.Twins twins = form.twins(130, 256, random);
      for (int row = 0; row < 130; row++) {
        assertMultiplies(twins, row, Math.min(130, row + 3), 128, 256, random, form);
        assertMultiplies(twins, row, row + 1, 0, 256, random, form);
      }
    }
  }
}
