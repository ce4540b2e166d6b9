package dev.graft.sample;

import java.util.Arrays;
import java.util.BitSet;
import java.util.random.RandomGenerator;
import java.util.random.RandomGeneratorFactory;

/**
 * Draws tokens from logits, in transformers' order: repetition penalty, temperature, top-k, top-p,
 * min-p, and one draw from what is left. The same seed draws the same tokens from the same logits.
 * Used by one thread.
 */
public final class Sampler {
  private final SamplingOptions options;
  private final RandomGenerator random;
  private final BitSet seen = new BitSet();

  /**
   * The distribution that is drawn from.
   *
   * @param tokens that are left, most likely first
   * @param probabilities of them, summing to 1
   */
  record Distribution(int[] tokens, double[] probabilities) {}

  /**
   * A sampler.
   *
   * @param prompt counts as seen for the repetition penalty
   */
  public Sampler(SamplingOptions options, int[] prompt) {
    this.options = options;
    this.random = RandomGeneratorFactory.of("L64X128MixRandom").create(options.seed());
    for (int id : prompt) {
      seen.set(id);
    }
  }

  /**
   * Draws one token and remembers it.
   *
   * @param logits [vocab]; changed where a penalty applies
   * @throws NotANumberException if there is a NaN among them
   */
  public int next(float[] logits) {
    int token;
    if (options.temperature() == 0) {
      penalize(logits);
      token = best(logits);
    } else {
      token = draw(penalized(logits));
    }
    seen.set(token);
    return token;
  }

  private void penalize(float[] logits) {
    float penalty = (float) options.repetitionPenalty();
    if (penalty != 1) {
      for (int id = seen.nextSetBit(0); id >= 0; id = seen.nextSetBit(id + 1)) {
        logits[id] = logits[id] < 0 ? logits[id] * penalty : logits[id] / penalty;
      }
    }
  }

  /** The most likely token; of equals the lowest id. */
  private static int best(float[] logits) {
    int best = 0;
    float largest = Float.NEGATIVE_INFINITY;
    for (int v = 0; v < logits.length; v++) {
      float logit = logits[v];
      // Seldom true, so that the loop is as fast as the branch is foreseen; true of NaN, too.
      if (!(logit <= largest)) {
        if (Float.isNaN(logit)) {
          throw new NotANumberException(v);
        }
        largest = logit;
        best = v;
      }
    }
    return best;
  }

  private int draw(Distribution distribution) {
    double at = random.nextDouble();
    double[] p = distribution.probabilities();
    for (int i = 0; i < p.length; i++) {
      at -= p[i];
      if (at < 0) {
        return distribution.tokens()[i];
      }
    }
    return distribution.tokens()[0];
  }

  /** What is drawn from, after every step; changes the logits. */
  Distribution penalized(float[] logits) {
    penalize(logits);
    return distribution(logits);
  }

  private Distribution distribution(float[] logits) {
    float largest = logits[best(logits)];
    double temperature = options.temperature();
    int[] order = candidates(logits, largest);
    int kept = options.topK() == 0 ? order.length : Math.min(options.topK(), order.length);
    // transformers keeps all that equal the k-th.
    while (kept < order.length && logits[order[kept]] == logits[order[kept - 1]]) {
      kept++;
    }
    double[] p = new double[kept];
    for (int i = 0; i < kept; i++) {
      p[i] = Math.exp((logits[order[i]] - (double) largest) / temperature);
    }
    normalize(p, kept);
    kept = topP(p, kept);
    normalize(p, kept);
    kept = minP(p, kept);
    normalize(p, kept);
    return new Distribution(Arrays.copyOf(order, kept), Arrays.copyOf(p, kept));
  }

  /**
   * The tokens that can matter, most likely first; of equals the lower id. Those less likely than
   * e⁻⁴⁰ times the first are below any draw unless top-k asks for them.
   */
  private int[] candidates(float[] logits, float largest) {
    double bound = largest - 40 * options.temperature();
    if (options.topK() > 0) {
      // Tokens that are ruled out are none of the k.
      bound = Math.max(-Float.MAX_VALUE, kthLargest(logits, options.topK()));
    }
    int count = 0;
    long[] keys = new long[256];
    for (int v = 0; v < logits.length; v++) {
      if (logits[v] >= bound) {
        if (count == keys.length) {
          keys = Arrays.copyOf(keys, 2 * count);
        }
        keys[count++] = key(logits[v], v);
      }
    }
    Arrays.sort(keys, 0, count);
    int[] order = new int[count];
    for (int i = 0; i < count; i++) {
      order[i] = (int) keys[i];
    }
    return order;
  }

  /** Sorts by logit downwards, then by id upwards. */
  private static long key(float logit, int id) {
    int bits = Float.floatToRawIntBits(logit);
    int rising = bits >= 0 ? bits : bits ^ Integer.MAX_VALUE;
    return ((long) ~rising << 32) | id;
  }

  /** By a heap of the k largest, so that the whole vocabulary is not sorted for each token. */
  private static float kthLargest(float[] logits, int k) {
    if (k >= logits.length) {
      return Float.NEGATIVE_INFINITY;
    }
    java.util.PriorityQueue<Float> heap = new java.util.PriorityQueue<>(k);
    for (float logit : logits) {
      if (heap.size() < k) {
        heap.add(logit);
      } else if (logit > heap.peek()) {
        heap.poll();
        heap.add(logit);
      }
    }
    return heap.peek();
  }

  private static void normalize(double[] p, int kept) {
    double sum = 0;
    for (int i = 0; i < kept; i++) {
      sum += p[i];
    }
    for (int i = 0; i < kept; i++) {
      p[i] /= sum;
    }
  }

  /** The smallest set of the most likely that reaches top-p; at least one. */
  private int topP(double[] p, int kept) {
    if (options.topP() == 1) {
      return kept;
    }
    double sum = 0;
    for (int i = 0; i < kept; i++) {
      sum += p[i];
      if (sum >= options.topP()) {
        return i + 1;
      }
    }
    return kept;
  }

  private int minP(double[] p, int kept) {
    int last = kept;
    while (last > 1 && p[last - 1] < options.minP() * p[0]) {
      last--;
    }
    return last;
  }
}
