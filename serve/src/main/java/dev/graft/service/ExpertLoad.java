package dev.graft.service;

import dev.graft.checkpoint.ModelSpec;
import dev.graft.checkpoint.MoeSpec;
import dev.graft.decoder.RoutingObserver;
import java.util.concurrent.atomic.AtomicLongArray;

/** How many tokens each expert of each layer was sent, since the start. */
public final class ExpertLoad implements RoutingObserver {
  private final AtomicLongArray[] counts;

  /** Of a model; one without experts has no layers here. */
  public ExpertLoad(ModelSpec spec) {
    int experts = spec.moe().map(MoeSpec::numExperts).orElse(0);
    counts = new AtomicLongArray[experts == 0 ? 0 : spec.numHiddenLayers()];
    for (int layer = 0; layer < counts.length; layer++) {
      counts[layer] = new AtomicLongArray(experts);
    }
  }

  @Override
  public void routed(int layer, int chunk, int token, int[] experts, float[] weights) {
    for (int expert : experts) {
      counts[layer].incrementAndGet(expert);
    }
  }

  /** Tokens [layers][experts]. */
  public long[][] counts() {
    long[][] copy = new long[counts.length][];
    for (int layer = 0; layer < copy.length; layer++) {
      copy[layer] = new long[counts[layer].length()];
      for (int expert = 0; expert < copy[layer].length; expert++) {
        copy[layer][expert] = counts[layer].get(expert);
      }
    }
    return copy;
  }
}
