package dev.graft.attention;

import dev.graft.cache.KeyValuePages;
import dev.graft.kernel.Kernels;
import dev.graft.kernel.Workers;
import java.util.Arrays;

/**
 * Attention of single queries over the cache. A context is cut into stretches of {@value #STRETCH}
 * positions, each an online softmax of its own, and their results are merged in order: so one long
 * context keeps several threads busy, and its bits depend on its length alone.
 */
public final class DecodeAttention {
  private static final int STRETCH = 256;
  private static final int PAGE = KeyValuePages.SIZE;

  /**
   * Floats of unmerged results at a time, so that many queries over a long context stay bounded.
   */
  private static final int PARTIAL = 4 << 20;

  private final Kernels kernels;
  private final Workers workers;
  private final KeyValuePages pages;
  private final HeadMap heads;
  private final int window;
  private final float scale;
  private final float[][] scratch;
  private float[] partial = {};
  private float[] states = {};

  /**
   * Attention with these kernels over this cache.
   *
   * @param window positions that a query sees, its own included
   */
  public DecodeAttention(
      Kernels kernels, Workers workers, KeyValuePages pages, HeadMap heads, int window) {
    this.kernels = kernels;
    this.workers = workers;
    this.pages = pages;
    this.heads = heads;
    this.window = window;
    this.scale = (float) (1 / Math.sqrt(heads.headDim()));
    this.scratch = new float[workers.threads()][heads.heads() * PAGE];
  }

  /**
   * Attends one query per row; the cache holds its own key already.
   *
   * @param positions of each query
   * @param tables page table of each query's sequence
   * @param queries [queries, heads · headDim]
   * @param out as the queries
   */
  public void run(int layer, int[] positions, int[][] tables, float[] queries, float[] out) {
    int longest = Arrays.stream(positions).max().orElse(0);
    int stretches = longest / STRETCH + 1;
    int fit = Math.max(1, PARTIAL / (stretches * heads.heads() * heads.headDim()));
    for (int row = 0; row < positions.length; row += fit) {
      rows(
          layer,
          row,
          Math.min(positions.length, row + fit),
          stretches,
          positions,
          tables,
          queries,
          out);
    }
  }

  private void rows(
      int layer,
      int rowFrom,
      int rowTo,
      int stretches,
      int[] positions,
      int[][] tables,
      float[] queries,
      float[] out) {
    int rows = rowTo - rowFrom;
    int kv = heads.keyValueHeads();
    int width = heads.heads() * heads.headDim();
    partial = grown(partial, rows * stretches * width);
    states = grown(states, rows * stretches * heads.heads() * 2);
    // A page's heads lie side by side: one thread reads them in one go where there is work enough.
    int together = rows * stretches >= 4 * workers.threads() ? kv : 1;
    int parts = kv / together;
    workers.run(
        rows * stretches * parts,
        (part, thread) -> {
          int head = part % parts * together;
          int stretch = part / parts % stretches;
          int slot = part / parts / stretches;
          int row = rowFrom + slot;
          int from = Math.max(stretch * STRETCH, positions[row] + 1 - window);
          int to = Math.min((stretch + 1) * STRETCH, positions[row] + 1);
          if (from < to) {
            stretch(
                layer,
                head,
                head + together,
                from,
                to,
                tables[row],
                queries,
                row * width,
                scratch[thread],
                (slot * stretches + stretch) * width,
                (slot * stretches + stretch) * heads.heads() * 2);
          }
        });
    workers.run(
        rows,
        (slot, _) -> {
          int row = rowFrom + slot;
          int first = Math.max(0, positions[row] + 1 - window) / STRETCH;
          int last = positions[row] / STRETCH;
          for (int h = 0; h < heads.heads(); h++) {
            merge(slot * stretches, first, last, h, out, row * width + h * heads.headDim());
          }
        });
  }

  private static float[] grown(float[] array, int size) {
    return array.length < size ? new float[size] : array;
  }

  /** Key/value heads over positions from … to, for the query heads that share each. */
  private void stretch(
      int layer,
      int headFrom,
      int headTo,
      int from,
      int to,
      int[] table,
      float[] queries,
      int queriesAt,
      float[] scores,
      int partialAt,
      int statesAt) {
    int dim = heads.headDim();
    for (int h = heads.groupFrom(headFrom); h < heads.groupTo(headTo - 1); h++) {
      Arrays.fill(partial, partialAt + h * dim, partialAt + (h + 1) * dim, 0);
      states[statesAt + 2 * h] = Float.NEGATIVE_INFINITY;
      states[statesAt + 2 * h + 1] = 0;
    }
    for (int p = from / PAGE; p * PAGE < to; p++) {
      int begin = Math.max(0, from - p * PAGE);
      int end = Math.min(PAGE, to - p * PAGE);
      for (int head = headFrom; head < headTo; head++) {
        page(layer, head, table[p], begin, end, queries, queriesAt, scores, partialAt, statesAt);
      }
    }
  }

  /** One key/value head over slots begin … end of a page. */
  private void page(
      int layer,
      int head,
      int page,
      int begin,
      int end,
      float[] queries,
      int queriesAt,
      float[] scores,
      int partialAt,
      int statesAt) {
    int dim = heads.headDim();
    int first = heads.groupFrom(head);
    int group = heads.groupTo(head) - first;
    int outAt = partialAt + first * dim;
    int stateAt = statesAt + first * 2;
    pages.scores(page, layer, head, queries, queriesAt + first * dim, group, scores);
    for (int g = 0; g < group; g++) {
      float rescale =
          kernels.softmaxRow(scores, g * PAGE, PAGE, begin, end, scale, states, stateAt + 2 * g);
      if (rescale != 1) {
        kernels.scale(partial, outAt + g * dim, dim, rescale);
      }
    }
    // Only what the sequence wrote: a freed page may hold anything beyond.
    pages.addValues(page, layer, head, scores, group, end, partial, outAt);
  }

  private void merge(int rowStretches, int first, int last, int head, float[] out, int outAt) {
    int dim = heads.headDim();
    int width = heads.heads() * dim;
    float max = Float.NEGATIVE_INFINITY;
    for (int s = first; s <= last; s++) {
      max = Math.max(max, states[((rowStretches + s) * heads.heads() + head) * 2]);
    }
    Arrays.fill(out, outAt, outAt + dim, 0);
    float total = 0;
    for (int s = first; s <= last; s++) {
      int state = ((rowStretches + s) * heads.heads() + head) * 2;
      float factor = first == last ? 1 : (float) Math.exp(states[state] - (double) max);
      total += states[state + 1] * factor;
      kernels.addScaled(out, outAt, partial, (rowStretches + s) * width + head * dim, dim, factor);
    }
    kernels.scale(out, outAt, dim, 1 / total);
  }
}
