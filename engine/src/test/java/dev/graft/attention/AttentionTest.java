package dev.graft.attention;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.graft.kernel.KernelChoice;
import dev.graft.kernel.Kernels;
import dev.graft.kernel.Workers;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.util.Arrays;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Attention in both phases beside its definition in double precision. */
class AttentionTest {
  /** Weighted means of numbers of size 1, added up in float32. */
  private static final double TOLERANCE = 3e-5;

  private static final int CHUNK = 512;

  private static Kernels kernels(String name) {
    return name.equals("scalar") ? KernelChoice.scalar() : KernelChoice.best();
  }

  private static Context random(Random random) {
    int group = 1 + random.nextInt(4);
    int from = random.nextInt(6);
    HeadMap heads = new HeadMap(from, from + 1 + random.nextInt(6), group, 1 + random.nextInt(70));
    int window = random.nextBoolean() ? Integer.MAX_VALUE : 1 + random.nextInt(300);
    return Context.random(heads, window, 1 + random.nextInt(330), random.nextBoolean(), random);
  }

  private static void assertExact(Context context, float[] rows, int first, String what) {
    int width = context.width();
    for (int r = 0; r < rows.length / width; r++) {
      double[] exact = context.exact(first + r);
      for (int i = 0; i < width; i++) {
        assertEquals(exact[i], rows[r * width + i], TOLERANCE, what + ", position " + (first + r));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"vector", "scalar"})
  void anyShapeInBothPhases(String name) {
    Random random = new Random(30);
    Kernels kernels = kernels(name);
    for (int turn = 0; turn < 40; turn++) {
      Context context = random(random);
      String what = context.heads() + ", window " + context.window();
      int end = context.positions();
      int from = random.nextInt(end);
      int threads = 1 + turn % 3;
      int[] positions = IntStream.range(from, end).toArray();
      assertExact(context, context.decoded(kernels, threads, positions), from, "decode, " + what);
      assertExact(
          context, context.prefilled(kernels, threads, from, end), from, "prefill, " + what);
    }
  }

  @Test
  void bitsDependOnNothingButTheQuery() {
    Random random = new Random(31);
    Kernels kernels = KernelChoice.best();
    for (int turn = 0; turn < 25; turn++) {
      Context context = random(random);
      int width = context.width();
      int end = context.positions();
      int[] all = IntStream.range(0, end).toArray();
      float[] decoded = context.decoded(kernels, 2, all);
      float[] prefilled = context.prefilled(kernels, 2, 0, end);
      for (int threads = 1; threads <= 3; threads++) {
        assertArrayEquals(decoded, context.decoded(kernels, threads, all));
        assertArrayEquals(prefilled, context.prefilled(kernels, threads, 0, end));
        int position = random.nextInt(end);
        assertArrayEquals(
            Arrays.copyOfRange(decoded, position * width, (position + 1) * width),
            context.decoded(kernels, threads, position),
            "alone");
        int to = position + 1 + random.nextInt(end - position);
        assertArrayEquals(
            Arrays.copyOfRange(prefilled, position * width, to * width),
            context.prefilled(kernels, threads, position, to),
            "a chunk of its own");
      }
    }
  }

  /** What a context of thousands of tokens needs beside its pages. */
  @Test
  void longContextInBoundedMemory() throws ReflectiveOperationException {
    Random random = new Random(32);
    Kernels kernels = KernelChoice.best();
    int positions = 5_000;
    Context context =
        Context.random(new HeadMap(0, 3, 3, 64), Integer.MAX_VALUE, positions, false, random);
    int width = context.width();
    try (Workers workers = new Workers(2)) {
      PanelAttention prefill =
          new PanelAttention(kernels, workers, context.pages(), context.heads(), Integer.MAX_VALUE);
      DecodeAttention decode =
          new DecodeAttention(
              kernels, workers, context.pages(), context.heads(), Integer.MAX_VALUE);
      long before = kept(prefill);
      for (int from = 0; from < positions; from += CHUNK) {
        int to = Math.min(positions, from + CHUNK);
        float[] rows = context.prefilled(prefill, kernels.panelWidth(), from, to);
        for (int i = 0; i < 8; i++) {
          int row = i == 0 ? to - 1 - from : random.nextInt(to - from);
          assertExact(
              context,
              Arrays.copyOfRange(rows, row * width, (row + 1) * width),
              from + row,
              "prefill");
        }
      }
      assertEquals(before, kept(prefill), "prefill keeps what it kept before");
      assertExact(context, context.decoded(decode, positions - 1), positions - 1, "decode");
      long one = kept(decode);
      assertTrue(
          one < 4L * positions * width / 10, "one query keeps " + one + " bytes, a tenth of keys");
      int[] all = IntStream.range(0, positions).toArray();
      float[] rows = context.decoded(decode, all);
      for (int position = 17; position < positions; position += 293) {
        assertExact(
            context,
            Arrays.copyOfRange(rows, position * width, (position + 1) * width),
            position,
            "decode of many");
        assertArrayEquals(
            Arrays.copyOfRange(rows, position * width, (position + 1) * width),
            context.decoded(decode, position),
            "many queries and one");
      }
      assertTrue(kept(decode) < 20L << 20, "all queries keep " + kept(decode) + " bytes");
    }
  }

  /** Bytes of all arrays that an object of this room holds, through its records; not the pages. */
  private static long kept(Object owner) throws ReflectiveOperationException {
    long bytes = 0;
    for (Field field : owner.getClass().getDeclaredFields()) {
      if (!Modifier.isStatic(field.getModifiers())) {
        field.setAccessible(true);
        bytes += bytes(field.get(owner));
      }
    }
    return bytes;
  }

  private static long bytes(Object value) throws ReflectiveOperationException {
    long bytes = 0;
    if (value instanceof float[] floats) {
      bytes = 4L * floats.length;
    } else if (value instanceof Object[] many) {
      for (Object each : many) {
        bytes += bytes(each);
      }
    } else if (value instanceof Record record && !(value instanceof HeadMap)) {
      bytes = kept(record);
    }
    return bytes;
  }
}
