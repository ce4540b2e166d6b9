package dev.graft.cli;

import dev.graft.cache.KeyValuePages;
import dev.graft.checkpoint.Checkpoint;
import dev.graft.checkpoint.InvalidInputException;
import dev.graft.decoder.Chunk;
import dev.graft.decoder.Decoder;
import dev.graft.decoder.DecoderOptions;
import dev.graft.decoder.Phase;
import dev.graft.kernel.KernelChoice;
import dev.graft.kernel.Kernels;
import java.util.Arrays;
import java.util.List;
import java.util.function.LongConsumer;
import java.util.stream.IntStream;

/** Walks a model over windows of text and hands out the logits of every position. */
final class Perplexity {
  /** Rows of logits at a time: 128 of a vocabulary of 49,152 are 25 MB. */
  private static final int STEP = 128;

  /** Sees logits as they come. */
  @FunctionalInterface
  interface Rows {
    /**
     * Rows of one window.
     *
     * @param window its number
     * @param position of the first row
     * @param logits [rows, vocab]
     */
    void see(int window, int position, float[] logits);
  }

  private Perplexity() {}

  /** Computes every position of every window. */
  static void walk(
      Checkpoint checkpoint, List<int[]> windows, int threads, Rows rows, LongConsumer progress) {
    int context = windows.getFirst().length;
    if (context > checkpoint.spec().maxPositionEmbeddings()) {
      throw new InvalidInputException(
          "--context is "
              + context
              + ", but max_position_embeddings of "
              + checkpoint.directory()
              + " is "
              + checkpoint.spec().maxPositionEmbeddings());
    }
    int pages = Math.ceilDiv(context, KeyValuePages.SIZE);
    int[] table = IntStream.range(0, pages).toArray();
    try (Decoder decoder = new Decoder(checkpoint, DecoderOptions.of(pages).withThreads(threads))) {
      for (int w = 0; w < windows.size(); w++) {
        int[] ids = windows.get(w);
        for (int from = 0; from < context; from += STEP) {
          int to = Math.min(context, from + STEP);
          int[] part = Arrays.copyOfRange(ids, from, to);
          rows.see(
              w,
              from,
              decoder.step(List.of(new Chunk(part, from, table, Phase.PREFILL, to - from)))[0]);
        }
        progress.accept(context);
      }
    }
  }

  /**
   * Negative log-likelihoods of the tokens that follow rows.
   *
   * @param ids of the window
   * @param position of the first row
   * @param logits [rows, vocab]
   * @return one a row; the last row of a window has none that follows and is left out
   */
  static double[] negativeLogLikelihoods(int[] ids, int position, float[] logits, int vocab) {
    Kernels kernels = KernelChoice.best();
    int rows = Math.min(logits.length / vocab, ids.length - 1 - position);
    double[] losses = new double[rows];
    IntStream.range(0, rows)
        .parallel()
        .forEach(r ->
            losses[r] =
                kernels.logSumExp(logits, r * vocab, vocab)
                    - (double) logits[r * vocab + ids[position + r + 1]]);
    return losses;
  }
}
