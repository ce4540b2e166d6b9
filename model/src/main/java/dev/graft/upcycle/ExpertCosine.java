package dev.graft.upcycle;

import dev.graft.checkpoint.Checkpoint;
import dev.graft.checkpoint.StoredTensor;
import dev.graft.checkpoint.TensorNames;
import java.util.ArrayList;
import java.util.List;

/** How alike the experts of a checkpoint are: the number that should fall as they specialise. */
public final class ExpertCosine {
  private ExpertCosine() {}

  /**
   * Mean pairwise cosine of the experts' weights (w1, w2 and w3 as one vector) per layer; empty for
   * a dense model.
   */
  public static List<Double> perLayer(Checkpoint checkpoint) {
    List<Double> layers = new ArrayList<>();
    if (checkpoint.spec().moe().isEmpty() || checkpoint.spec().moe().get().numExperts() < 2) {
      return layers;
    }
    int experts = checkpoint.spec().moe().get().numExperts();
    for (int l = 0; l < checkpoint.spec().numHiddenLayers(); l++) {
      double[][] dot = new double[experts][experts];
      for (String which : List.of("w1", "w2", "w3")) {
        float[][] weights = new float[experts][];
        for (int e = 0; e < experts; e++) {
          StoredTensor tensor = checkpoint.tensor(TensorNames.expert(l, e, which));
          weights[e] = new float[Math.toIntExact(tensor.elements())];
          checkpoint.copyWeight(tensor.name(), java.lang.foreign.MemorySegment.ofArray(weights[e]));
        }
        for (int a = 0; a < experts; a++) {
          for (int b = 0; b <= a; b++) {
            dot[a][b] += dot(weights[a], weights[b]);
          }
        }
      }
      double sum = 0;
      for (int a = 0; a < experts; a++) {
        for (int b = 0; b < a; b++) {
          double norms = Math.sqrt(dot[a][a] * dot[b][b]);
          sum += norms == 0 ? 0 : dot[a][b] / norms;
        }
      }
      layers.add(sum / (experts * (experts - 1) / 2.0));
    }
    return layers;
  }

  /** Four sums, so that additions do not wait for one another. */
  private static double dot(float[] a, float[] b) {
    double s0 = 0;
    double s1 = 0;
    double s2 = 0;
    double s3 = 0;
    int i = 0;
    for (; i + 4 <= a.length; i += 4) {
      s0 += (double) a[i] * b[i];
      s1 += (double) a[i + 1] * b[i + 1];
      s2 += (double) a[i + 2] * b[i + 2];
      s3 += (double) a[i + 3] * b[i + 3];
    }
    for (; i < a.length; i++) {
      s0 += (double) a[i] * b[i];
    }
    return s0 + s1 + s2 + s3;
  }
}
