package dev.graft.attention;

import dev.graft.cache.BFloat16Pages;
import dev.graft.cache.Float32Pages;
import dev.graft.cache.KeyValuePages;
import dev.graft.kernel.Kernels;
import dev.graft.kernel.Workers;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;

/**
 * A sequence of random queries, keys and values, its keys and values also in pages that lie in any
 * order and held NaN before; and attention over it by its definition, in double precision.
 *
 * @param keys [positions, key/value heads · headDim]
 * @param values as the keys
 * @param queries [positions, heads · headDim]
 */
record Context(
    HeadMap heads,
    int window,
    float[] queries,
    float[] keys,
    float[] values,
    KeyValuePages pages,
    int[] table) {
  private static final int LAYERS = 2;
  static final int LAYER = 1;

  static Context random(HeadMap heads, int window, int positions, boolean halves, Random random) {
    int kv = heads.keyValueHeads() * heads.headDim();
    float[] queries = numbers(positions * heads.heads() * heads.headDim(), 3, random);
    float[] keys = numbers(positions * kv, 1, random);
    float[] values = numbers(positions * kv, 1, random);
    int count = Math.ceilDiv(positions, KeyValuePages.SIZE) + 3;
    KeyValuePages pages =
        halves
            ? new BFloat16Pages(
                dev.graft.kernel.KernelChoice.best(),
                count,
                LAYERS,
                heads.keyValueHeads(),
                heads.headDim())
            : new Float32Pages(
                dev.graft.kernel.KernelChoice.best(),
                count,
                LAYERS,
                heads.keyValueHeads(),
                heads.headDim());
    List<Integer> order = new java.util.ArrayList<>(IntStream.range(0, count).boxed().toList());
    Collections.shuffle(order, random);
    int[] table = order.stream().mapToInt(Integer::intValue).toArray();
    float[] nan = new float[heads.headDim()];
    Arrays.fill(nan, Float.NaN);
    for (int page = 0; page < count; page++) {
      pages.touch(page);
      for (int slot = 0; slot < KeyValuePages.SIZE; slot++) {
        for (int h = 0; h < heads.keyValueHeads(); h++) {
          pages.write(page, LAYER, h, slot, nan, 0, 1, nan, 0, 1);
        }
      }
    }
    Context context = new Context(heads, window, queries, keys, values, pages, table);
    for (int position = 0; position < positions; position++) {
      context.write(position);
    }
    return context;
  }

  /** Numbers that bfloat16 holds exactly. */
  private static float[] numbers(int count, float size, Random random) {
    float[] numbers = new float[count];
    for (int i = 0; i < count; i++) {
      float value = size * (float) random.nextGaussian();
      numbers[i] = Float.intBitsToFloat(Float.floatToRawIntBits(value) & 0xFFFF0000);
    }
    return numbers;
  }

  private void write(int position) {
    for (int h = 0; h < heads.keyValueHeads(); h++) {
      int at = (position * heads.keyValueHeads() + h) * heads.headDim();
      pages.write(
          table[position / KeyValuePages.SIZE],
          LAYER,
          h,
          position % KeyValuePages.SIZE,
          keys,
          at,
          1,
          values,
          at,
          1);
    }
  }

  int positions() {
    return queries.length / width();
  }

  /** Heads times their width. */
  int width() {
    return heads.heads() * heads.headDim();
  }

  /** softmax(q · kᵀ / √headDim) · v of one query. */
  double[] exact(int position) {
    int dim = heads.headDim();
    int kv = heads.keyValueHeads();
    double[] out = new double[width()];
    int from = Math.max(0, position - window + 1);
    double[] scores = new double[position + 1];
    for (int h = 0; h < heads.heads(); h++) {
      int head = (heads.headFrom() + h) / heads.groupSize() - heads.keyValueFrom();
      double max = Double.NEGATIVE_INFINITY;
      for (int p = from; p <= position; p++) {
        scores[p] = 0;
        for (int i = 0; i < dim; i++) {
          scores[p] +=
              (double) queries[position * width() + h * dim + i] * keys[(p * kv + head) * dim + i];
        }
        scores[p] /= Math.sqrt(dim);
        max = Math.max(max, scores[p]);
      }
      double sum = 0;
      for (int p = from; p <= position; p++) {
        scores[p] = Math.exp(scores[p] - max);
        sum += scores[p];
      }
      for (int p = from; p <= position; p++) {
        for (int i = 0; i < dim; i++) {
          out[h * dim + i] += scores[p] / sum * values[(p * kv + head) * dim + i];
        }
      }
    }
    return out;
  }

  /** Rows of single queries. */
  float[] decoded(Kernels kernels, int threads, int... positions) {
    try (Workers workers = new Workers(threads)) {
      return decoded(new DecodeAttention(kernels, workers, pages, heads, window), positions);
    }
  }

  float[] decoded(DecodeAttention attention, int... positions) {
    float[] q = new float[positions.length * width()];
    for (int i = 0; i < positions.length; i++) {
      System.arraycopy(queries, positions[i] * width(), q, i * width(), width());
    }
    int[][] tables = new int[positions.length][];
    Arrays.fill(tables, table);
    float[] out = new float[q.length];
    attention.run(LAYER, positions, tables, q, out);
    return out;
  }

  /** Rows of the queries from … to, in panels. */
  float[] prefilled(Kernels kernels, int threads, int from, int to) {
    try (Workers workers = new Workers(threads)) {
      PanelAttention attention = new PanelAttention(kernels, workers, pages, heads, window);
      return prefilled(attention, kernels.panelWidth(), from, to);
    }
  }

  float[] prefilled(PanelAttention attention, int lanes, int from, int to) {
    int count = Math.ceilDiv(to - from, lanes);
    PanelAttention.Panel[] panels = new PanelAttention.Panel[count];
    float[] q = new float[count * width() * lanes];
    for (int p = 0; p < count; p++) {
      int position = from + p * lanes;
      panels[p] = new PanelAttention.Panel(position, Math.min(lanes, to - position), table);
      for (int lane = 0; lane < panels[p].live(); lane++) {
        for (int i = 0; i < width(); i++) {
          q[(p * width() + i) * lanes + lane] = queries[(position + lane) * width() + i];
        }
      }
    }
    float[] out = new float[q.length];
    attention.run(LAYER, panels, q, out);
    float[] rows = new float[(to - from) * width()];
    for (int t = 0; t < to - from; t++) {
      for (int i = 0; i < width(); i++) {
        rows[t * width() + i] = out[(t / lanes * width() + i) * lanes + t % lanes];
      }
    }
    return rows;
  }
}
