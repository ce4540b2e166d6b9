package dev.graft.loop;

import dev.graft.checkpoint.ModelSpec;
import dev.graft.checkpoint.TensorNames;
import dev.graft.network.Parameters;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.AutoGradMode;
import org.bytedeco.pytorch.Tensor;

/** Mean pairwise cosine of the experts' weights (w1, w2 and w3 as one vector), per MoE layer. */
final class ExpertSimilarity {
  private ExpertSimilarity() {}

  /** Of the layers held here; 0 for the others. */
  static List<Double> measure(ModelSpec spec, Parameters parameters) {
    if (spec.moe().isEmpty() || spec.moe().get().numExperts() < 2) {
      return List.of();
    }
    int experts = spec.moe().get().numExperts();
    Map<String, Parameters.Stored> stored = new HashMap<>();
    parameters.stored().forEach(s -> stored.put(s.name(), s));
    List<Double> layers = new ArrayList<>();
    for (int l = 0; l < spec.numHiddenLayers(); l++) {
      if (!stored.containsKey(TensorNames.expert(l, 0, "w1"))) {
        layers.add(0.0);
        continue;
      }
      double[][] dot = new double[experts][experts];
      for (String which : List.of("w1", "w2", "w3")) {
        for (int a = 0; a < experts; a++) {
          for (int b = 0; b <= a; b++) {
            dot[a][b] +=
                dot(
                    parameters,
                    stored.get(TensorNames.expert(l, a, which)),
                    stored.get(TensorNames.expert(l, b, which)));
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

  private static double dot(Parameters parameters, Parameters.Stored a, Parameters.Stored b) {
    try (PointerScope _ = new PointerScope();
        AutoGradMode _ = new AutoGradMode(false)) {
      Tensor flat = parameters.flatWeights();
      return flat.narrow(0, a.offset(), a.elements())
          .dot(flat.narrow(0, b.offset(), b.elements()))
          .item_double();
    }
  }
}
