package dev.graft.experts;

import dev.graft.checkpoint.Gating;
import dev.graft.checkpoint.MoeSpec;

/**
 * Chooses experts from router logits, in float32: with {@link Gating#NORMALIZED} z~ = λ (z − μ) / σ
 * first (arXiv 2406.06563, section 4.1; σ unbiased, at least 1e-6), then softmax, top-k,
 * renormalised to sum to 1. Inference drops no token.
 */
public final class Router {
  private static final double SMALLEST_STD = 1e-6;
  private static final double TAKEN = -1;

  private final MoeSpec moe;
  private final double[] share;

  /** A router of this shape; used by one thread. */
  public Router(MoeSpec moe) {
    this.moe = moe;
    this.share = new double[moe.numExperts()];
  }

  /**
   * Routes one token.
   *
   * @param logits of expert e at {@code at + e · step}
   * @param experts receives the chosen ones from {@code to} on, best first; of equals the lower
   * @param weights receives their weights
   */
  public void route(float[] logits, int at, int step, int[] experts, float[] weights, int to) {
    int n = moe.numExperts();
    for (int e = 0; e < n; e++) {
      share[e] = logits[at + e * step];
    }
    if (moe.gating() == Gating.NORMALIZED) {
      normalize(n);
    }
    double max = Double.NEGATIVE_INFINITY;
    for (int e = 0; e < n; e++) {
      max = Math.max(max, share[e]);
    }
    for (int e = 0; e < n; e++) {
      share[e] = Math.exp(share[e] - max);
    }
    double sum = 0;
    for (int j = 0; j < moe.topK(); j++) {
      // Also with NaN, which is never the larger, the chosen are distinct.
      int best = -1;
      for (int e = 0; e < n; e++) {
        if (share[e] != TAKEN && (best < 0 || share[e] > share[best])) {
          best = e;
        }
      }
      experts[to + j] = best;
      weights[to + j] = (float) share[best];
      sum += share[best];
      share[best] = TAKEN;
    }
    for (int j = 0; j < moe.topK(); j++) {
      weights[to + j] = (float) (weights[to + j] / sum);
    }
  }

  private void normalize(int n) {
    double mean = 0;
    for (int e = 0; e < n; e++) {
      mean += share[e] / n;
    }
    double squares = 0;
    for (int e = 0; e < n; e++) {
      squares += (share[e] - mean) * (share[e] - mean);
    }
    double std = Math.max(Math.sqrt(squares / (n - 1)), SMALLEST_STD);
    for (int e = 0; e < n; e++) {
      share[e] = moe.gateNormStd() * (share[e] - mean) / std;
    }
  }
}
