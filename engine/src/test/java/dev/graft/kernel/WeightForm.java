package dev.graft.kernel;

import dev.graft.checkpoint.DType;
import dev.graft.checkpoint.Weight;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Random;

/**
 * Every form of weight that the engine multiplies with, filled with what is hard: subnormals, both
 * zeros, the largest codes. A segment ends with its last byte, so a load beyond it throws.
 */
enum WeightForm {
  FLOAT32 {
    @Override
    Weight weight(int rows, int columns, Random random) {
      MemorySegment data = bytes(4L * rows * columns);
      float[] values = new float[rows * columns];
      Numbers.fill(values, random);
      for (int i = 0; i < values.length; i++) {
        data.set(Codes.FLOAT, 4L * i, values[i]);
      }
      return new Weight.Plain(name(), rows, columns, DType.F32, data);
    }
  },
  BFLOAT16 {
    @Override
    Weight weight(int rows, int columns, Random random) {
      MemorySegment data = bytes(2L * rows * columns);
      float[] values = new float[rows * columns];
      Numbers.fill(values, random);
      for (int i = 0; i < values.length; i++) {
        data.set(Codes.SHORT, 2L * i, (short) (Float.floatToRawIntBits(values[i]) >>> 16));
      }
      return new Weight.Plain(name(), rows, columns, DType.BF16, data);
    }
  },
  FLOAT16 {
    @Override
    Weight weight(int rows, int columns, Random random) {
      MemorySegment data = bytes(2L * rows * columns);
      for (int i = 0; i < rows * columns; i++) {
        data.set(Codes.SHORT, 2L * i, finiteFloat16(random));
      }
      return new Weight.Plain(name(), rows, columns, DType.F16, data);
    }
  },
  FLOAT8_TENSOR {
    @Override
    Weight weight(int rows, int columns, Random random) {
      return float8(rows, columns, Math.max(1, rows), columns, random);
    }
  },
  FLOAT8_CHANNEL {
    @Override
    Weight weight(int rows, int columns, Random random) {
      return float8(rows, columns, 1, columns, random);
    }
  },
  FLOAT8_BLOCK {
    @Override
    Weight weight(int rows, int columns, Random random) {
      return float8(rows, columns, 128, 128, random);
    }
  },
  /** Blocks that no vector width divides. */
  FLOAT8_ODD_BLOCK {
    @Override
    Weight weight(int rows, int columns, Random random) {
      return float8(rows, columns, 3, 20, random);
    }
  },
  /** A scale that 2¹²⁰ does not go into. */
  FLOAT8_LARGE_SCALE {
    @Override
    Weight weight(int rows, int columns, Random random) {
      Weight.Float8 weight = float8(rows, columns, 1, columns, random);
      weight.scales()[random.nextInt(rows)] = VectorFloat8.LARGEST_SCALE;
      return weight;
    }
  },
  INT8_PAIR {
    @Override
    Weight weight(int rows, int columns, Random random) {
      int blocks = Math.ceilDiv(columns, Weight.BLOCK);
      MemorySegment codes = bytes((long) rows * columns);
      MemorySegment scales = bytes(2L * rows * blocks);
      for (long i = 0; i < codes.byteSize(); i++) {
        codes.set(Codes.BYTE, i, (byte) random.nextInt());
      }
      for (long i = 0; i < scales.byteSize(); i += 2) {
        scales.set(Codes.SHORT, i, finiteFloat16(random));
      }
      return Weight.Int8.of(name(), rows, columns, codes, scales);
    }
  },
  /** Q8_0 of GGUF: scale and codes of a block side by side. */
  INT8_INTERLEAVED {
    @Override
    Weight weight(int rows, int columns, Random random) {
      int blocks = Math.ceilDiv(columns, Weight.BLOCK);
      int stride = 2 + Weight.BLOCK;
      MemorySegment data = bytes((long) rows * blocks * stride);
      for (long at = 0; at < data.byteSize(); at += stride) {
        data.set(Codes.SHORT, at, finiteFloat16(random));
        for (int i = 0; i < Weight.BLOCK; i++) {
          data.set(Codes.BYTE, at + 2 + i, (byte) random.nextInt());
        }
      }
      long row = (long) blocks * stride;
      return new Weight.Int8(name(), rows, columns, data, 2, row, stride, data, 0, row, stride);
    }
  };

  abstract Weight weight(int rows, int columns, Random random);

  /** The same on the Vector API and by its definition. */
  record Twins(Matrix fast, Matrix plain) {}

  Twins twins(int rows, int columns, Random random) {
    Weight weight = weight(rows, columns, random);
    return new Twins(KernelChoice.best().matrix(weight), new ScalarMatrix(weight, true));
  }

  static MemorySegment bytes(long count) {
    return Arena.ofAuto().allocate(count);
  }

  private static Weight.Float8 float8(
      int rows, int columns, int rowBlock, int columnBlock, Random random) {
    MemorySegment codes = bytes((long) rows * columns);
    for (long i = 0; i < codes.byteSize(); i++) {
      codes.set(Codes.BYTE, i, finiteFloat8(random));
    }
    float[] scales = new float[Math.ceilDiv(rows, rowBlock) * Math.ceilDiv(columns, columnBlock)];
    for (int i = 0; i < scales.length; i++) {
      scales[i] =
          switch (random.nextInt(6)) {
            case 0 -> 0;
            case 1 -> 1e-40f;
            case 2 -> Math.nextDown(VectorFloat8.LARGEST_SCALE);
            default -> random.nextFloat();
          };
    }
    return new Weight.Float8("float8", rows, columns, codes, scales, rowBlock, columnBlock);
  }

  private static byte finiteFloat8(Random random) {
    return switch (random.nextInt(8)) {
      case 0 -> (byte) (random.nextBoolean() ? 0x7E : 0xFE); // ±448
      case 1 -> (byte) (random.nextBoolean() ? 0x80 : 0x00); // both zeros
      case 2 -> (byte) (1 + random.nextInt(7) | (random.nextBoolean() ? 0x80 : 0)); // subnormal
      default -> (byte) (random.nextInt(0x7F) | (random.nextBoolean() ? 0x80 : 0));
    };
  }

  private static short finiteFloat16(Random random) {
    int sign = random.nextBoolean() ? 0x8000 : 0;
    int magnitude =
        switch (random.nextInt(8)) {
          case 0 -> 0x7BFF; // 65504, the largest
          case 1 -> 0;
          case 2 -> 1 + random.nextInt(0x3FF); // subnormal
          default -> random.nextInt(0x7C00);
        };
    return (short) (sign | magnitude);
  }
}
