package dev.graft.text;

import dev.graft.checkpoint.InvalidInputException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * An endless stream of training sequences from one or more datasets, a pure function of the seed
 * and the position. The dataset of each sequence is the one that is furthest below its share, as
 * Megatron-Core blends; its windows come in a fresh permutation each epoch.
 */
public final class BatchStream implements AutoCloseable {
  private final List<Windows> datasets;
  private final double[] shares;
  private final int sequenceLength;
  private final long seed;
  private final boolean maskDocuments;
  private final boolean masked;
  private final long[] taken;
  private long position;

  private BatchStream(
      List<Windows> datasets,
      double[] shares,
      int sequenceLength,
      long seed,
      boolean maskDocuments) {
    this.datasets = datasets;
    this.shares = shares;
    this.sequenceLength = sequenceLength;
    this.seed = seed;
    this.maskDocuments = maskDocuments;
    this.masked = datasets.stream().anyMatch(Windows::masked);
    this.taken = new long[datasets.size()];
  }

  /**
   * Opens the datasets.
   *
   * @param sequenceLength S
   * @param maskDocuments whether batches say which document each position belongs to
   */
  @SuppressWarnings("MustBeClosedChecker") // the stream closes them
  public static BatchStream open(
      List<WeightedTokens> sources, int sequenceLength, long seed, boolean maskDocuments)
      throws IOException {
    List<Windows> datasets = new ArrayList<>();
    try {
      if (sources.isEmpty()) {
        throw new InvalidInputException("data.train names no dataset; give at least one");
      }
      double total = 0;
      double[] shares = new double[sources.size()];
      for (int i = 0; i < shares.length; i++) {
        shares[i] = sources.get(i).weight();
        if (!(shares[i] > 0) || Double.isInfinite(shares[i])) {
          throw new InvalidInputException(
              sources.get(i).tokens() + ": its weight is " + shares[i] + "; it must be above 0");
        }
        total += shares[i];
        datasets.add(Windows.open(sources.get(i).tokens(), sequenceLength));
      }
      for (int i = 0; i < shares.length; i++) {
        shares[i] /= total;
      }
      return new BatchStream(datasets, shares, sequenceLength, seed, maskDocuments);
    } catch (IOException | RuntimeException e) {
      datasets.forEach(Windows::close);
      throw e;
    }
  }

  /** The next {@code size} sequences. */
  public Batch next(int size) {
    long[] ids = new long[size * sequenceLength];
    long[] targets = new long[size * sequenceLength];
    Optional<float[]> mask =
        masked ? Optional.of(new float[size * sequenceLength]) : Optional.empty();
    Optional<int[]> documents =
        maskDocuments ? Optional.of(new int[size * sequenceLength]) : Optional.empty();
    for (int row = 0; row < size; row++) {
      int dataset = choose();
      long sample = taken[dataset]++;
      position++;
      Windows windows = datasets.get(dataset);
      long epoch = sample / windows.count();
      Permutation order = Permutation.of(windows.count(), seed, dataset, epoch);
      windows.copy(order.at(sample % windows.count()), row, ids, targets, mask, documents);
    }
    return new Batch(size, sequenceLength, ids, targets, mask, documents);
  }

  /** Sequences taken so far. */
  public long position() {
    return position;
  }

  /** Goes to where a stream of the same datasets and seed was after {@code sequences} sequences. */
  public void seek(long sequences) {
    Arrays.fill(taken, 0);
    if (datasets.size() == 1) {
      taken[0] = sequences;
      position = sequences;
      return;
    }
    for (position = 0; position < sequences; position++) {
      taken[choose()]++;
    }
  }

  private int choose() {
    int best = 0;
    double largest = Double.NEGATIVE_INFINITY;
    for (int i = 0; i < shares.length; i++) {
      double deficit = shares[i] * (position + 1) - taken[i];
      if (deficit > largest) {
        largest = deficit;
        best = i;
      }
    }
    return best;
  }

  @Override
  public void close() {
    datasets.forEach(Windows::close);
  }
}
