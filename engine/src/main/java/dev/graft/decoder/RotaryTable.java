package dev.graft.decoder;

import dev.graft.checkpoint.ModelSpec;
import java.util.Arrays;

/**
 * Cosines and sines of the rotary embedding by position, computed as far as they were asked for.
 */
final class RotaryTable {
  private final double[] frequencies;
  private final double factor;
  private float[] cos = {};
  private float[] sin = {};
  private int positions;

  RotaryTable(ModelSpec spec) {
    frequencies = spec.rope().inverseFrequencies(spec.headDim());
    factor = spec.rope().attentionFactor();
  }

  /** Pairs of a head. */
  int half() {
    return frequencies.length;
  }

  /** Makes positions below {@code end} there. */
  void reach(int end) {
    if (end <= positions) {
      return;
    }
    int room = Math.max(end, Math.min(2 * positions, end + 4096));
    cos = Arrays.copyOf(cos, room * half());
    sin = Arrays.copyOf(sin, room * half());
    for (int p = positions; p < room; p++) {
      for (int i = 0; i < half(); i++) {
        // transformers multiplies position and frequency in float32.
        float angle = p * (float) frequencies[i];
        cos[p * half() + i] = (float) (Math.cos(angle) * factor);
        sin[p * half() + i] = (float) (Math.sin(angle) * factor);
      }
    }
    positions = room;
  }

  /** [positions, half]. */
  float[] cos() {
    return cos;
  }

  /** [positions, half]. */
  float[] sin() {
    return sin;
  }
}
