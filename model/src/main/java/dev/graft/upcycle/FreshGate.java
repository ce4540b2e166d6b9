package dev.graft.upcycle;

import dev.graft.checkpoint.ModelSpec;
import java.util.SplittableRandom;

/** A router that knows nothing yet: N(0, initializer_range), the same for the same seed. */
final class FreshGate {
  private FreshGate() {}

  static float[] weights(ModelSpec spec, int numExperts, int layer, long seed) {
    SplittableRandom random = new SplittableRandom(seed * 1_000_003 + layer);
    float[] weights = new float[numExperts * spec.hiddenSize()];
    for (int i = 0; i < weights.length; i++) {
      weights[i] = (float) (random.nextGaussian() * spec.initializerRange());
    }
    return weights;
  }
}
