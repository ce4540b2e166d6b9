package dev.graft.sample;

import java.util.Arrays;
import java.util.Comparator;
import java.util.stream.IntStream;

/**
 * Log-probabilities of the raw distribution, before any sampling option.
 *
 * @param token the chosen token
 * @param logprob its log-probability
 * @param top the most likely tokens
 * @param topLogprobs theirs
 */
public record LogProbabilities(int token, double logprob, int[] top, double[] topLogprobs) {
  /**
   * Of one row of logits.
   *
   * @param count how many of the most likely to list
   */
  public static LogProbabilities of(float[] logits, int token, int count) {
    double max = Double.NEGATIVE_INFINITY;
    for (float logit : logits) {
      max = Math.max(max, logit);
    }
    double sum = 0;
    for (float logit : logits) {
      sum += Math.exp(logit - max);
    }
    double total = max + Math.log(sum);
    int[] top =
        count == 0
            ? new int[0]
            : IntStream.range(0, logits.length)
                .boxed()
                .sorted(Comparator.comparingDouble((Integer v) -> -logits[v]))
                .limit(count)
                .mapToInt(Integer::intValue)
                .toArray();
    return new LogProbabilities(
        token,
        logits[token] - total,
        top,
        Arrays.stream(top).mapToDouble(v -> logits[v] - total).toArray());
  }
}
