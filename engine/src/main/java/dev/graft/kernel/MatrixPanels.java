package dev.graft.kernel;

import java.util.List;

/**
 * Matrix–matrix products for prefill: a block of rows is decoded once and, piece by piece,
 * multiplied with every panel of tokens.
 */
public final class MatrixPanels {
  /** Rows of a block: four tiles of twelve, eight of six. */
  private static final int BLOCK = 48;

  private static final int PIECE_FLOATS = BLOCK * Kernels.PIECE_ROW;

  private final Kernels kernels;
  private final Workers workers;
  private final float[][] scratch;

  /**
   * The two products that enter a SwiGLU; the gate's output becomes silu(gate) · up.
   *
   * @param gate as many rows as up, over the same panels
   * @param up the factor
   */
  public record Gated(PanelJob gate, PanelJob up) {}

  /** Products with these kernels by these threads. */
  public MatrixPanels(Kernels kernels, Workers workers) {
    this.kernels = kernels;
    this.workers = workers;
    this.scratch = new float[workers.threads()][0];
  }

  /** Computes jobs that must not write the same places. */
  public void run(List<PanelJob> jobs) {
    int[] ends = ends(jobs);
    workers.run(
        parts(ends),
        (part, thread) -> {
          int j = jobOf(part, ends);
          PanelJob job = jobs.get(j);
          int start = (part - (j == 0 ? 0 : ends[j - 1])) * BLOCK;
          block(job, start, Math.min(job.rows(), start + BLOCK), thread);
        });
  }

  /** Computes pairs of jobs and their SwiGLU, block by block in the thread that made the block. */
  public void runGated(List<Gated> pairs) {
    int[] ends = ends(pairs.stream().map(Gated::gate).toList());
    int width = kernels.panelWidth();
    workers.run(
        parts(ends),
        (part, thread) -> {
          int j = jobOf(part, ends);
          PanelJob gate = pairs.get(j).gate();
          PanelJob up = pairs.get(j).up();
          int start = (part - (j == 0 ? 0 : ends[j - 1])) * BLOCK;
          int end = Math.min(gate.rows(), start + BLOCK);
          block(gate, start, end, thread);
          block(up, start, end, thread);
          for (int p = 0; p < gate.panels(); p++) {
            kernels.swiGlu(
                gate.out(),
                gate.outAt() + p * gate.outPanel() + start * width,
                up.out(),
                up.outAt() + p * up.outPanel() + start * width,
                (end - start) * width);
          }
        });
  }

  private static int[] ends(List<PanelJob> jobs) {
    int[] ends = new int[jobs.size()];
    int parts = 0;
    for (int j = 0; j < ends.length; j++) {
      parts += Math.ceilDiv(jobs.get(j).rows(), BLOCK);
      ends[j] = parts;
    }
    return ends;
  }

  private static int parts(int[] ends) {
    return ends.length == 0 ? 0 : ends[ends.length - 1];
  }

  private static int jobOf(int part, int[] ends) {
    int j = 0;
    while (part >= ends[j]) {
      j++;
    }
    return j;
  }

  /**
   * Output lines from … to of every panel, so many columns at a time that a piece of the panel
   * stays in the first-level cache while all lines are multiplied with it; the decoded lines stay
   * in the second.
   */
  private void block(PanelJob job, int from, int to, int thread) {
    int columns = job.columnTo() - job.columnFrom();
    // A weak rank may have no columns at all: its part of each sum is 0.
    int pieces = Math.max(1, Math.ceilDiv(columns, Kernels.PIECE));
    float[] decoded = scratch(pieces * PIECE_FLOATS, thread);
    job.matrix()
        .decodePieces(
            job.rowFrom() + from,
            job.rowFrom() + to,
            job.columnFrom(),
            job.columnTo(),
            decoded,
            PIECE_FLOATS);
    for (int p = 0; p < pieces; p++) {
      int c = p * Kernels.PIECE;
      piece(job, from, to, c, Math.min(columns - c, Kernels.PIECE), decoded, p * PIECE_FLOATS);
    }
  }

  private float[] scratch(int size, int thread) {
    if (scratch[thread].length < size) {
      scratch[thread] = new float[size];
    }
    return scratch[thread];
  }

  private void piece(
      PanelJob job, int from, int to, int column, int columns, float[] decoded, int decodedAt) {
    int width = kernels.panelWidth();
    for (int p = 0; p < job.panels(); p++) {
      boolean half = p == job.panels() - 1 && job.live() <= kernels.lanes();
      kernels.panelProduct(
          decoded,
          decodedAt,
          to - from,
          columns,
          job.x(),
          job.xAt() + p * job.xPanel() + column * width,
          half ? kernels.lanes() : width,
          job.out(),
          job.outAt() + p * job.outPanel() + from * width,
          column > 0);
    }
  }
}
