package dev.graft.attention;

import dev.graft.cache.KeyValuePages;
import dev.graft.kernel.Kernels;
import dev.graft.kernel.Workers;
import java.util.Arrays;

/**
 * Causal attention of panels of queries over the cache, page by page with an online softmax (Flash
 * attention, arXiv 2205.14135, algorithm 1): memory does not grow with the context, and a query's
 * bits depend on its position alone.
 */
public final class PanelAttention {
  private static final int PAGE = KeyValuePages.SIZE;

  private final Kernels kernels;
  private final Workers workers;
  private final KeyValuePages pages;
  private final HeadMap heads;
  private final int window;
  private final float scale;
  private final Scratch[] scratch;

  private record Scratch(
      float[] scores, float[] keys, float[] values, float[] max, float[] sum, float[] rescale) {}

  /**
   * Queries of one sequence, one a lane.
   *
   * @param position of lane 0
   * @param live lanes that hold a query, from lane 0 on
   * @param table page table of the sequence
   */
  public record Panel(int position, int live, int[] table) {}

  /**
   * Attention with these kernels over this cache.
   *
   * @param window positions that a query sees, its own included
   */
  public PanelAttention(
      Kernels kernels, Workers workers, KeyValuePages pages, HeadMap heads, int window) {
    this.kernels = kernels;
    this.workers = workers;
    this.pages = pages;
    this.heads = heads;
    this.window = window;
    this.scale = (float) (1 / Math.sqrt(heads.headDim()));
    this.scratch = new Scratch[workers.threads()];
    int width = kernels.panelWidth();
    int block = PAGE * heads.headDim();
    for (int i = 0; i < scratch.length; i++) {
      scratch[i] =
          new Scratch(
              new float[PAGE * width],
              new float[block],
              new float[block],
              new float[width],
              new float[width],
              new float[width]);
    }
  }

  /**
   * Attends every panel; the cache holds their keys already.
   *
   * @param queries [panels, heads · headDim, width]
   * @param out as the queries
   */
  public void run(int layer, Panel[] panels, float[] queries, float[] out) {
    int count = heads.heads();
    // The last panels see most keys: first, so that no thread is left alone with them.
    workers.run(
        panels.length * count,
        (part, thread) -> {
          int p = panels.length - 1 - part / count;
          head(layer, panels[p], part % count, queries, p, out, scratch[thread]);
        });
  }

  private void head(
      int layer, Panel panel, int head, float[] queries, int number, float[] out, Scratch space) {
    int dim = heads.headDim();
    int width = kernels.panelWidth();
    int at = (number * heads.heads() + head) * dim * width;
    int kv = (heads.headFrom() + head) / heads.groupSize() - heads.keyValueFrom();
    Arrays.fill(out, at, at + dim * width, 0);
    Arrays.fill(space.max(), Float.NEGATIVE_INFINITY);
    Arrays.fill(space.sum(), 0);
    int end = panel.position() + panel.live();
    int first = Math.max(0, panel.position() + 1 - window) / PAGE;
    for (int p = first; p * PAGE < end; p++) {
      int keys = Math.min(PAGE, end - p * PAGE);
      KeyValuePages.Block k = pages.keys(panel.table()[p], layer, kv, space.keys());
      kernels.product(
          k.array(),
          k.at(),
          1,
          PAGE,
          keys,
          dim,
          queries,
          at,
          width,
          width,
          space.scores(),
          0,
          width,
          false);
      kernels.softmaxPanel(
          space.scores(),
          0,
          keys,
          width,
          p * PAGE,
          panel.position(),
          window,
          scale,
          space.max(),
          space.sum(),
          space.rescale());
      if (p > first) {
        kernels.scaleColumns(out, at, dim, width, space.rescale(), 0);
      }
      KeyValuePages.Block v = pages.values(panel.table()[p], layer, kv, space.values());
      kernels.product(
          v.array(),
          v.at(),
          1,
          dim,
          dim,
          keys,
          space.scores(),
          0,
          width,
          width,
          out,
          at,
          width,
          true);
    }
    for (int i = 0; i < width; i++) {
      space.rescale()[i] = 1 / space.sum()[i];
    }
    kernels.scaleColumns(out, at, dim, width, space.rescale(), 0);
  }
}
