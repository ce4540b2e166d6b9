package dev.graft.kernel;

import java.util.ArrayList;
import java.util.List;

/**
 * Matrix–vector products for decode: each row is read once for all tokens. One token takes the
 * fused product, several the decoded row; both add in the same order, so a token's bits do not
 * depend on how many come with it.
 */
public final class MatrixVector {
  /**
   * Bytes of weights in one piece at most. A thread that reads on where it stopped reads at twice
   * the rate of one that jumps every 48 KiB, so pieces are large.
   */
  private static final long PIECE_BYTES = 512 << 10;

  /**
   * With several tokens the products take the time, not the reading, and small pieces share it out
   * evenly.
   */
  private static final long LEAST_BYTES = 48 << 10;

  /** Floats of decoded rows at a time, so that they stay in the second-level cache. */
  private static final int DECODED = 32 << 10;

  /** Floats behind what a thread uses, so that no two threads write into one cache line. */
  private static final int APART = 64;

  /** Fewer tokens are not worth a copy of their inputs. */
  private static final int LEAST_PACKED = 5;

  private final Kernels kernels;
  private final Workers workers;
  private final float[][] scratch;
  private final float[][] sums;
  private final List<PackedTokens> packs = new ArrayList<>();

  /** Products with these kernels by these threads. */
  public MatrixVector(Kernels kernels, Workers workers) {
    this.kernels = kernels;
    this.workers = workers;
    this.scratch = new float[workers.threads()][0];
    this.sums = new float[workers.threads()][12 * kernels.lanes() + APART];
  }

  /** Computes all jobs; they must not write the same places. */
  public void run(List<Job> jobs) {
    long total = 0;
    for (Job job : jobs) {
      total += bytes(job);
    }
    int threads = workers.threads();
    int tokens = jobs.stream().mapToInt(Job::tokens).max().orElse(1);
    long size = Math.max(PIECE_BYTES / tokens, LEAST_BYTES);
    PackedTokens[] packed = packed(jobs);
    int pieces = threads * Math.toIntExact(Math.max(1, Math.ceilDiv(total, threads * size)));
    long all = total;
    workers.run(
        pieces,
        (piece, thread) -> {
          long from = all * piece / pieces;
          long to = all * (piece + 1) / pieces;
          long start = 0;
          for (int j = 0; j < packed.length; j++) {
            Job job = jobs.get(j);
            long end = start + bytes(job);
            if (from < end && to > start) {
              int first = row(job, Math.max(from, start) - start);
              int last = to >= end ? job.rowTo() : row(job, to - start);
              rows(job, packed[j], first, last, thread);
            }
            start = end;
          }
        });
  }

  private static long bytes(Job job) {
    return (job.rowTo() - job.rowFrom()) * job.matrix().bytesPerRow();
  }

  private static int row(Job job, long offset) {
    return job.rowFrom() + (int) (offset / job.matrix().bytesPerRow());
  }

  /**
   * The tokens of each job in the order that its product wants; jobs in a row often share them.
   *
   * @return per job; null where it takes them as they are
   */
  private PackedTokens[] packed(List<Job> jobs) {
    PackedTokens[] packed = new PackedTokens[jobs.size()];
    packs.forEach(PackedTokens::clear);
    int used = 0;
    for (int j = 0; j < packed.length; j++) {
      Job job = jobs.get(j);
      int columns = job.columnTo() - job.columnFrom();
      if (job.tokens() < LEAST_PACKED
          || columns == 0
          || !job.matrix().packsTokens(job.columnFrom(), job.columnTo())) {
        continue;
      }
      if (used == 0 || !packs.get(used - 1).holds(job.x(), job.xAt(), columns, job.tokens())) {
        if (used == packs.size()) {
          packs.add(new PackedTokens());
        }
        packs.get(used).pack(workers, job.x(), job.xAt(), job.xStep(), columns, job.tokens());
        used++;
      }
      packed[j] = packs.get(used - 1);
    }
    return packed;
  }

  private void rows(Job job, PackedTokens packed, int from, int to, int thread) {
    int columns = job.columnTo() - job.columnFrom();
    // A weak rank may have no columns at all: its part of each sum is 0.
    int step =
        fused(job) || fusesTokens(job)
            ? to - from
            : Math.max(3, DECODED / Math.max(1, columns) / 3 * 3);
    for (int row = from; row < to; row += step) {
      part(job, packed, row, Math.min(to, row + step), thread);
    }
  }

  private static boolean fused(Job job) {
    return job.tokens() == 1
        && job.columnTo() > job.columnFrom()
        && job.matrix().fuses(job.columnFrom(), job.columnTo());
  }

  private static boolean fusesTokens(Job job) {
    return job.tokens() > 1
        && job.columnTo() > job.columnFrom()
        && job.matrix().fusesTokens(job.columnFrom(), job.columnTo());
  }

  private void part(Job job, PackedTokens packed, int from, int to, int thread) {
    Matrix matrix = job.matrix();
    int columns = job.columnTo() - job.columnFrom();
    if (fused(job)) {
      matrix.dot(
          from,
          to,
          job.columnFrom(),
          job.columnTo(),
          job.x(),
          job.xAt(),
          scratch(thread, matrix.room(to - from)),
          job.out(),
          job.outAt() + from - job.rowFrom());
      return;
    }
    if (packed != null) {
      matrix.packedDots(
          from,
          to,
          job.columnFrom(),
          job.columnTo(),
          packed,
          scratch(thread, matrix.room(to - from)),
          job.out(),
          job.outAt() + from - job.rowFrom(),
          job.outStep());
      return;
    }
    if (fusesTokens(job)) {
      matrix.dots(
          from,
          to,
          job.columnFrom(),
          job.columnTo(),
          job.x(),
          job.xAt(),
          job.xStep(),
          job.tokens(),
          scratch(thread, matrix.room(to - from)),
          job.out(),
          job.outAt() + from - job.rowFrom(),
          job.outStep());
      return;
    }
    float[] decoded = scratch(thread, (to - from) * columns);
    for (int row = from; row < to; row++) {
      matrix.decode(row, job.columnFrom(), job.columnTo(), decoded, (row - from) * columns);
    }
    kernels.dots(
        decoded,
        0,
        to - from,
        columns,
        job.x(),
        job.xAt(),
        job.xStep(),
        job.tokens(),
        job.out(),
        job.outAt() + from - job.rowFrom(),
        job.outStep(),
        sums[thread]);
  }

  private float[] scratch(int thread, int size) {
    if (scratch[thread].length < size) {
      scratch[thread] = new float[size + APART];
    }
    return scratch[thread];
  }
}
