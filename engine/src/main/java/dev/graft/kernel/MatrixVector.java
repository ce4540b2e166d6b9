package dev.graft.kernel;

import java.util.List;

/**
 * Matrix–vector products for decode: each row is read once for all tokens. One token takes the
 * fused product, several the decoded row; both add in the same order, so a token's bits do not
 * depend on how many come with it.
 */
public final class MatrixVector {
  /** Bytes of weights in one part: small enough to balance, large enough to stream. */
  private static final long PART_BYTES = 48 << 10;

  private static final int LARGEST_PART = 128;

  private final Kernels kernels;
  private final Workers workers;
  private final float[][] scratch;

  /** Products with these kernels by these threads. */
  public MatrixVector(Kernels kernels, Workers workers) {
    this.kernels = kernels;
    this.workers = workers;
    this.scratch = new float[workers.threads()][0];
  }

  /** Computes all jobs; they must not write the same places. */
  public void run(List<Job> jobs) {
    int[] ends = new int[jobs.size()];
    int parts = 0;
    for (int j = 0; j < ends.length; j++) {
      Job job = jobs.get(j);
      parts += Math.ceilDiv(job.rowTo() - job.rowFrom(), rowsOfPart(job));
      ends[j] = parts;
    }
    workers.run(
        parts,
        (part, thread) -> {
          int j = 0;
          while (part >= ends[j]) {
            j++;
          }
          Job job = jobs.get(j);
          int rows = rowsOfPart(job);
          int from = job.rowFrom() + (part - (j == 0 ? 0 : ends[j - 1])) * rows;
          part(job, from, Math.min(job.rowTo(), from + rows), thread);
        });
  }

  private static int rowsOfPart(Job job) {
    return Math.clamp(PART_BYTES / Math.max(1, job.matrix().bytesPerRow()), 4, LARGEST_PART);
  }

  private void part(Job job, int from, int to, int thread) {
    Matrix matrix = job.matrix();
    int columns = job.columnTo() - job.columnFrom();
    if (job.tokens() == 1 && matrix.fuses(job.columnFrom(), job.columnTo())) {
      for (int row = from; row < to; row++) {
        job.out()[job.outAt() + row - job.rowFrom()] =
            matrix.dot(row, job.columnFrom(), job.columnTo(), job.x(), job.xAt());
      }
      return;
    }
    float[] decoded = scratch(thread, (to - from) * columns);
    for (int row = from; row < to; row++) {
      matrix.decode(row, job.columnFrom(), job.columnTo(), decoded, (row - from) * columns);
    }
    for (int t = 0; t < job.tokens(); t += 4) {
      int tokens = Math.min(4, job.tokens() - t);
      for (int row = from; row < to; row++) {
        kernels.dots(
            decoded,
            (row - from) * columns,
            columns,
            job.x(),
            job.xAt() + t * job.xStep(),
            job.xStep(),
            tokens,
            job.out(),
            job.outAt() + t * job.outStep() + row - job.rowFrom(),
            job.outStep());
      }
    }
  }

  private float[] scratch(int thread, int size) {
    if (scratch[thread].length < size) {
      scratch[thread] = new float[size];
    }
    return scratch[thread];
  }
}
