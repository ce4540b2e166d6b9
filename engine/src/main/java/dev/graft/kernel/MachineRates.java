package dev.graft.kernel;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.LongVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorSpecies;

/**
 * What this machine can do at most with the threads given: the yardsticks that speeds are divided
 * by, so measure them in the same minute.
 */
public final class MachineRates implements AutoCloseable {
  private static final long BYTES = 512L << 20;
  private static final long PART = 1 << 20;
  private static final VectorSpecies<Long> LONGS = LongVector.SPECIES_PREFERRED;
  private static final int ROWS = 48;
  private static final int DEPTH = 576;
  private static final int PANELS = 4;

  private final Workers workers;
  private final Kernels kernels;
  private final Arena arena = Arena.ofShared();
  private final MemorySegment memory;
  private final long[] sums;

  /** Takes half a gibibyte of memory until closed. */
  public MachineRates(Workers workers, Kernels kernels) {
    this.workers = workers;
    this.kernels = kernels;
    this.sums = new long[workers.threads()];
    this.memory = arena.allocate(BYTES, 4096);
    memory.fill((byte) 1);
  }

  /** Bytes per second of one pass that adds up all of a buffer far beyond the caches. */
  public double readBandwidth() {
    long start = System.nanoTime();
    workers.run(
        (int) (BYTES / PART), (part, thread) -> sums[thread] += sum(memory, part * PART, PART));
    double seconds = (System.nanoTime() - start) / 1e9;
    if (sums[0] == 0) {
      throw new IllegalStateException("nothing was read");
    }
    return BYTES / seconds;
  }

  private static long sum(MemorySegment memory, long from, long length) {
    int step = LONGS.vectorByteSize();
    LongVector a = LongVector.zero(LONGS);
    LongVector b = a;
    LongVector c = a;
    LongVector d = a;
    for (long o = from; o < from + length; o += 4L * step) {
      a = a.add(LongVector.fromMemorySegment(LONGS, memory, o, Lanes.ORDER));
      b = b.add(LongVector.fromMemorySegment(LONGS, memory, o + step, Lanes.ORDER));
      c = c.add(LongVector.fromMemorySegment(LONGS, memory, o + 2L * step, Lanes.ORDER));
      d = d.add(LongVector.fromMemorySegment(LONGS, memory, o + 3L * step, Lanes.ORDER));
    }
    return a.add(b).add(c.add(d)).reduceLanes(VectorOperators.ADD);
  }

  /**
   * Floating-point operations per second of float32 products whose operands are in the second-level
   * cache already.
   */
  public double gemmRate() {
    int width = kernels.panelWidth();
    int repeats = 40;
    float[][] out = new float[workers.threads()][ROWS * width];
    float[] a = new float[ROWS * DEPTH];
    float[] b = new float[PANELS * DEPTH * width];
    java.util.Arrays.fill(a, 0.5f);
    java.util.Arrays.fill(b, 0.25f);
    long start = System.nanoTime();
    workers.run(
        workers.threads() * repeats,
        (part, thread) -> {
          for (int p = 0; p < PANELS; p++) {
            kernels.product(
                a,
                0,
                DEPTH,
                1,
                ROWS,
                DEPTH,
                b,
                p * DEPTH * width,
                width,
                width,
                out[thread],
                0,
                width,
                false);
          }
        });
    double seconds = (System.nanoTime() - start) / 1e9;
    return 2.0 * ROWS * DEPTH * width * PANELS * repeats * workers.threads() / seconds;
  }

  @Override
  public void close() {
    arena.close();
  }
}
