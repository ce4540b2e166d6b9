package dev.graft.network;

import dev.graft.layout.Range;
import dev.graft.layout.Shares;
import java.util.List;
import org.bytedeco.pytorch.Tensor;

/**
 * Where the ranks that split heads, columns and vocabulary (Megatron-LM, arXiv 1909.08053) meet in
 * one micro-batch. Between norms and residuals each rank has its own stretch of the T = B · S
 * tokens (sequence parallelism, arXiv 2205.05198) or, without, all of them; in front of a
 * projection all have all. {@link #spread} goes there and {@link #sum} comes back, and each is the
 * other's way backwards.
 *
 * @param ranks that split
 * @param sequence whether tokens are split too
 * @param sequences B
 * @param length S
 * @param rows tokens of each rank's stretch
 */
record TensorCut(
    Exchange ranks,
    boolean sequence,
    Precision precision,
    long sequences,
    long length,
    long[] rows) {
  static TensorCut of(
      Exchange ranks, boolean sequence, Precision precision, long sequences, long length) {
    List<Range> stretches =
        Shares.equal(ranks.size()).split(Math.toIntExact(sequences * length), 0);
    long[] rows = stretches.stream().mapToLong(Range::length).toArray();
    return new TensorCut(ranks, sequence && ranks.size() > 1, precision, sequences, length, rows);
  }

  /** T. */
  long tokens() {
    return sequences * length;
  }

  /** t, tokens between projections. */
  long own() {
    return sequence ? rows[ranks.rank()] : tokens();
  }

  /** Whether this rank reports what all measure alike. */
  boolean speaks() {
    return ranks.rank() == 0;
  }

  /** Of this rank's tokens, [t, …], to all, [T, …]. */
  Tensor whole(Tensor x) {
    return sequence ? ranks.allGather(x.contiguous(), rows) : x;
  }

  /** The same in the compute precision. */
  Tensor spread(Tensor x) {
    return whole(x.to(precision.compute()));
  }

  /**
   * Σ over ranks of their summands, [T, …], in the stream's precision, of this rank's tokens, [t,
   * …]. The summands may be overwritten.
   */
  Tensor sum(Tensor partial) {
    Tensor wide = partial.to(precision.stream());
    if (ranks.size() == 1) {
      return wide;
    }
    Tensor contiguous = wide.contiguous();
    if (sequence) {
      return ranks.reduceScatter(contiguous, rows);
    }
    ranks.allReduceSum(contiguous);
    return contiguous;
  }
}
