package dev.graft.upcycle;

import dev.graft.checkpoint.StoredTensor;
import java.util.SplittableRandom;

/**
 * An expert that differs from the dense FFN it comes from.
 *
 * @param gate w1, row-major [F, H]
 * @param up w3, row-major [F, H]
 * @param down w2, row-major [H, F]
 */
record ExpertWeights(float[] gate, float[] up, float[] down) {
  /** Drop-upcycling first, then noise. */
  static ExpertWeights of(
      StoredTensor gate,
      StoredTensor up,
      StoredTensor down,
      UpcycleOptions options,
      int layer,
      int expert) {
    for (StoredTensor tensor : new StoredTensor[] {gate, up, down}) {
      tensor.requireFinite();
    }
    SplittableRandom random =
        new SplittableRandom(options.seed() * 1_000_003 + layer * 7_919L + expert * 104_729L + 1);
    ExpertWeights weights = new ExpertWeights(gate.toFloats(), up.toFloats(), down.toFloats());
    int ffn = Math.toIntExact(gate.shape().get(0));
    if (options.reinitFraction() > 0) {
      weights.reinitialize(choose(ffn, options.reinitFraction(), random), random);
    }
    if (options.noise() > 0) {
      for (float[] matrix : new float[][] {weights.gate(), weights.up(), weights.down()}) {
        addNoise(matrix, options.noise(), random);
      }
    }
    return weights;
  }

  /** A random set of round(r · F) columns of the intermediate dimension. */
  private static boolean[] choose(int ffn, double fraction, SplittableRandom random) {
    int[] order = new int[ffn];
    for (int i = 0; i < ffn; i++) {
      order[i] = i;
    }
    boolean[] chosen = new boolean[ffn];
    int count = (int) Math.round(fraction * ffn);
    for (int i = 0; i < count; i++) {
      int other = i + random.nextInt(ffn - i);
      int column = order[other];
      order[other] = order[i];
      chosen[column] = true;
    }
    return chosen;
  }

  /**
   * The same columns in all three matrices are drawn from a normal with mean and standard deviation
   * of what they replace (arXiv 2502.19261, section 3.2).
   */
  private void reinitialize(boolean[] chosen, SplittableRandom random) {
    int hidden = gate.length / chosen.length;
    redraw(gate, i -> chosen[i / hidden], random);
    redraw(up, i -> chosen[i / hidden], random);
    redraw(down, i -> chosen[i % chosen.length], random);
  }

  private static void redraw(
      float[] matrix, java.util.function.IntPredicate replaced, SplittableRandom random) {
    double sum = 0;
    double squares = 0;
    long count = 0;
    for (int i = 0; i < matrix.length; i++) {
      if (replaced.test(i)) {
        sum += matrix[i];
        squares += (double) matrix[i] * matrix[i];
        count++;
      }
    }
    if (count == 0) {
      return;
    }
    double mean = sum / count;
    double std = Math.sqrt(Math.max(0, squares / count - mean * mean));
    for (int i = 0; i < matrix.length; i++) {
      if (replaced.test(i)) {
        matrix[i] = (float) (mean + std * random.nextGaussian());
      }
    }
  }

  private static void addNoise(float[] matrix, double relative, SplittableRandom random) {
    double sum = 0;
    double squares = 0;
    for (float x : matrix) {
      sum += x;
      squares += (double) x * x;
    }
    double mean = sum / matrix.length;
    double std = Math.sqrt(Math.max(0, squares / matrix.length - mean * mean));
    for (int i = 0; i < matrix.length; i++) {
      matrix[i] += (float) (relative * std * random.nextGaussian());
    }
  }
}
