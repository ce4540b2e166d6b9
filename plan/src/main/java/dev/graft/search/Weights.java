package dev.graft.search;

import dev.graft.cost.Parallelism;
import dev.graft.cost.TransformerShape;

/**
 * Parameters of a rank of each stage.
 *
 * @param trunk attention, dense FFNs, routers, shared experts, embedding and head
 * @param experts of the mixture
 */
record Weights(double[] trunk, double[] experts) {
  /**
   * Counts them.
   *
   * @param counts layers of each model part, stages × chunks of them
   */
  static Weights of(TransformerShape shape, Parallelism mesh, int[] counts) {
    int[] dense = new int[mesh.pp()];
    int[] mixed = new int[mesh.pp()];
    int layer = 0;
    for (int part = 0; part < counts.length; part++) {
      int stage = part % mesh.pp();
      int ofDense = Math.clamp(shape.denseLayers() - layer, 0, counts[part]);
      dense[stage] += ofDense;
      mixed[stage] += counts[part] - ofDense;
      layer += counts[part];
    }
    double[] trunk = new double[mesh.pp()];
    double[] experts = new double[mesh.pp()];
    for (int stage = 0; stage < mesh.pp(); stage++) {
      trunk[stage] = trunk(shape, mesh, stage, dense[stage], mixed[stage]);
      experts[stage] = experts(shape, mesh, mixed[stage]);
    }
    return new Weights(trunk, experts);
  }

  /**
   * What is replicated over DP × CP.
   *
   * @param dense layers without experts
   * @param mixed layers with experts
   */
  static double trunk(TransformerShape shape, Parallelism mesh, int stage, int dense, int mixed) {
    double weights =
        (dense + mixed) * shape.attentionWeights()
            + dense * shape.feedForward(shape.ffn())
            + mixed * shape.feedForward(shape.experts().sharedFfn());
    double table = (double) shape.vocab() * shape.hidden();
    boolean last = stage == mesh.pp() - 1;
    if (stage == 0) {
      weights += table;
    }
    if (last && !(shape.tied() && stage == 0)) {
      weights += table;
    }
    return weights / mesh.tp() + (double) mixed * shape.hidden() * shape.experts().count();
  }

  /** What is replicated where experts are. */
  static double experts(TransformerShape shape, Parallelism mesh, int mixed) {
    return mixed
        * ((double) shape.experts().count() / mesh.ep())
        * shape.feedForward(shape.experts().ffn())
        / mesh.etp();
  }
}
