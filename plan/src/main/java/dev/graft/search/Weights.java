package dev.graft.search;

import dev.graft.cost.Parallelism;
import dev.graft.cost.TransformerShape;

/**
 * Parameters of a rank of each stage.
 *
 * @param trunk attention, dense FFNs, routers, shared experts, embedding and head
 * @param experts of the mixture
 */
public record Weights(double[] trunk, double[] experts) {
  /**
   * Counts them.
   *
   * @param counts layers of each model part, stages × chunks of them
   */
  public static Weights of(TransformerShape shape, Parallelism mesh, int[] counts) {
    double[] trunk = new double[mesh.pp()];
    double[] experts = new double[mesh.pp()];
    double table = (double) shape.vocab() * shape.hidden() / mesh.tp();
    double expert =
        (double) shape.experts().count()
            / mesh.ep()
            * shape.feedForward(shape.experts().ffn())
            / mesh.etp();
    double always =
        shape.feedForward(shape.experts().sharedFfn()) / mesh.tp()
            + (double) shape.hidden() * shape.experts().count();
    int layer = 0;
    for (int part = 0; part < counts.length; part++) {
      int stage = part % mesh.pp();
      for (int i = 0; i < counts[part]; i++, layer++) {
        trunk[stage] += shape.attentionWeights() / mesh.tp();
        if (layer < shape.denseLayers()) {
          trunk[stage] += shape.feedForward(shape.ffn()) / mesh.tp();
        } else {
          trunk[stage] += always;
          experts[stage] += expert;
        }
      }
    }
    trunk[0] += table;
    if (!shape.tied() || mesh.pp() > 1) {
      trunk[mesh.pp() - 1] += table;
    }
    return new Weights(trunk, experts);
  }
}
