package dev.graft.cli;

import dev.graft.cache.KeyValuePages;
import dev.graft.checkpoint.Checkpoint;
import dev.graft.decoder.Chunk;
import dev.graft.decoder.Decoder;
import dev.graft.decoder.DecoderOptions;
import dev.graft.decoder.Phase;
import dev.graft.kernel.KernelChoice;
import dev.graft.kernel.Kernels;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.function.LongConsumer;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;
import tools.jackson.databind.node.ObjectNode;

/**
 * What a changed model costs on a text: both models walk its windows side by side.
 *
 * @param tokens that were scored
 * @param before perplexity of the model as it was
 * @param after perplexity of the changed model
 * @param divergence mean over tokens of KL(before ‖ after) = Σ p (ln p − ln q), in nats
 * @param sameToken share of tokens where both find the same one most likely
 */
record TextCost(long tokens, double before, double after, double divergence, double sameToken) {

  /** Sums over tokens. */
  private static final class Sums {
    private long tokens;
    private double before;
    private double after;
    private double divergence;
    private double same;
  }

  /** Runs both models over every window. */
  static TextCost measure(Path before, Path after, List<int[]> windows, LongConsumer progress)
      throws IOException {
    int threads = Runtime.getRuntime().availableProcessors();
    int pages = Math.ceilDiv(windows.getFirst().length, KeyValuePages.SIZE);
    int[] table = IntStream.range(0, pages).toArray();
    Sums sums = new Sums();
    try (Checkpoint first = Checkpoint.open(before);
        Checkpoint second = Checkpoint.open(after);
        Decoder decoder = new Decoder(second, DecoderOptions.of(pages).withThreads(threads))) {
      Perplexity.walk(
          first,
          windows,
          threads,
          (window, position, logits) -> {
            int[] ids = windows.get(window);
            int vocab = first.spec().vocabSize();
            int rows = logits.length / vocab;
            int[] part = Arrays.copyOfRange(ids, position, position + rows);
            Chunk chunk = new Chunk(part, position, table, Phase.PREFILL, rows);
            add(sums, ids, position, logits, decoder.step(List.of(chunk))[0], vocab);
          },
          progress);
    }
    return new TextCost(
        sums.tokens,
        Math.exp(sums.before / sums.tokens),
        Math.exp(sums.after / sums.tokens),
        sums.divergence / sums.tokens,
        sums.same / sums.tokens);
  }

  /**
   * Adds the rows that a token follows.
   *
   * @param p logits of the model as it was, [rows, vocab]
   * @param q logits of the changed one
   */
  private static void add(Sums sums, int[] ids, int position, float[] p, float[] q, int vocab) {
    double[] before = Perplexity.negativeLogLikelihoods(ids, position, p, vocab);
    double[] after = Perplexity.negativeLogLikelihoods(ids, position, q, vocab);
    double[] divergence = new double[before.length];
    double[] same = new double[before.length];
    Kernels kernels = KernelChoice.best();
    IntStream.range(0, before.length)
        .parallel()
        .forEach(row -> {
          int at = row * vocab;
          double sumP = kernels.logSumExp(p, at, vocab);
          double sumQ = kernels.logSumExp(q, at, vocab);
          divergence[row] = divergence(p, q, at, vocab, sumP, sumQ);
          same[row] = largest(p, at, vocab) == largest(q, at, vocab) ? 1 : 0;
        });
    sums.tokens += before.length;
    sums.before += DoubleStream.of(before).sum();
    sums.after += DoubleStream.of(after).sum();
    sums.divergence += DoubleStream.of(divergence).sum();
    sums.same += DoubleStream.of(same).sum();
  }

  private static double divergence(
      float[] p, float[] q, int at, int vocab, double sumP, double sumQ) {
    double sum = 0;
    for (int v = at; v < at + vocab; v++) {
      double logP = p[v] - sumP;
      sum += Math.exp(logP) * (logP - (q[v] - sumQ));
    }
    return sum;
  }

  private static int largest(float[] logits, int at, int vocab) {
    int best = at;
    for (int v = at; v < at + vocab; v++) {
      best = logits[v] > logits[best] ? v : best;
    }
    return best;
  }

  /** One line. */
  String sentence() {
    return String.format(
        Locale.ROOT,
        "perplexity %.4f before, %.4f after (%+.2f %%); KL %.5f nats a token; the same token most likely at %.2f %% of %,d",
        before,
        after,
        100 * (after / before - 1),
        divergence,
        100 * sameToken,
        tokens);
  }

  /** The same figures. */
  void put(ObjectNode into) {
    into.put("tokens", tokens);
    into.put("perplexity_before", before);
    into.put("perplexity_after", after);
    into.put("kl", divergence);
    into.put("same_token", sameToken);
  }
}
