package dev.graft.sample;

import java.util.Arrays;

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
    int[] top = largest(logits, count);
    return new LogProbabilities(
        token,
        logits[token] - total,
        top,
        Arrays.stream(top).mapToDouble(v -> logits[v] - total).toArray());
  }

  /** The indices of the largest, largest first; of equals the lower index. */
  private static int[] largest(float[] logits, int count) {
    int[] top = new int[Math.min(count, logits.length)];
    int found = 0;
    for (int v = 0; v < logits.length; v++) {
      if (found == top.length && (found == 0 || logits[v] <= logits[top[found - 1]])) {
        continue;
      }
      int at = found == top.length ? found - 1 : found++;
      for (; at > 0 && logits[top[at - 1]] < logits[v]; at--) {
        top[at] = top[at - 1];
      }
      top[at] = v;
    }
    return top;
  }
}
