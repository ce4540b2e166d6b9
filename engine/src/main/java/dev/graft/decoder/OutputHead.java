package dev.graft.decoder;

import dev.graft.kernel.Job;
import dev.graft.kernel.MatrixVector;
import java.util.List;

/**
 * Final norm and logits of tokens that choose the next one, in both phases by the same kernels, and
 * of all that decode is asked for.
 */
final class OutputHead {
  /** Rows of logits at a time, so that memory stays bounded when every position is asked for. */
  private static final int ROWS = 128;

  private final Rank rank;
  private final MatrixVector products;

  OutputHead(Rank rank, MatrixVector products) {
    this.rank = rank;
    this.products = products;
  }

  /**
   * Logits of rows.
   *
   * @param hidden [rows, hiddenSize], before the norm; overwritten
   * @param out receives [rows, vocab]; may hold anything
   */
  void run(float[] hidden, int rows, float[] out) {
    DecoderWeights weights = rank.weights();
    int width = weights.spec().hiddenSize();
    int vocab = weights.spec().vocabSize();
    Share share = rank.share();
    share.clear(out, rows, vocab);
    for (int r = 0; r < rows; r++) {
      rank.kernels()
          .rmsNorm(
              hidden,
              r * width,
              width,
              weights.norm(),
              weights.spec().rmsNormEps(),
              hidden,
              r * width);
    }
    for (int r = 0; r < rows; r += ROWS) {
      products.run(
          List.of(
              new Job(
                  weights.head(),
                  share.vocabularyFrom(),
                  share.vocabularyTo(),
                  0,
                  width,
                  hidden,
                  r * width,
                  width,
                  Math.min(ROWS, rows - r),
                  out,
                  r * vocab + share.vocabularyFrom(),
                  vocab)));
    }
    rank.sum().add(out, rows * vocab);
  }
}
