package dev.graft.decoder;

import dev.graft.checkpoint.ModelSpec;
import dev.graft.checkpoint.MoeSpec;
import dev.graft.experts.Groups;
import dev.graft.experts.Router;
import dev.graft.kernel.Job;
import dev.graft.kernel.MatrixVector;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Experts in decode: only the experts that some token chose are read, each once for all of its
 * tokens; every token adds its experts' results in the order of the expert numbers.
 */
final class RowExperts {
  private final Rank rank;
  private final MatrixVector products;

  /**
   * Where a token comes from.
   *
   * @param chunk number of its chunk
   * @param index which token of the chunk
   */
  record Source(int chunk, int index) {}

  RowExperts(Rank rank, MatrixVector products) {
    this.rank = rank;
    this.products = products;
  }

  /**
   * Replaces delta by the experts' output for the normed tokens.
   *
   * @param normed [tokens, hidden]
   * @param delta as normed
   */
  void run(
      int layer, LayerWeights.Routed weights, List<Source> tokens, float[] normed, float[] delta) {
    ModelSpec spec = rank.weights().spec();
    MoeSpec moe = spec.moe().orElseThrow();
    int experts = moe.numExperts();
    int k = moe.topK();
    int n = tokens.size();
    int hidden = spec.hiddenSize();
    int columns = rank.share().columns();
    float[] logits = new float[n * experts];
    products.run(
        List.of(
            new Job(
                weights.router(),
                0,
                experts,
                0,
                hidden,
                normed,
                0,
                hidden,
                n,
                logits,
                0,
                experts)));
    int[] chosen = new int[n * k];
    float[] shares = new float[n * k];
    Router router = new Router(moe);
    for (int t = 0; t < n; t++) {
      router.route(logits, t * experts, 1, chosen, shares, t * k);
      rank.observer()
          .routed(
              layer,
              tokens.get(t).chunk(),
              tokens.get(t).index(),
              Arrays.copyOfRange(chosen, t * k, t * k + k),
              Arrays.copyOfRange(shares, t * k, t * k + k));
    }
    Groups groups = Groups.of(chosen, n * k, experts);
    float[] gathered = normed;
    if (n > 1) {
      gathered = new float[n * k * hidden];
      for (int i = 0; i < n * k; i++) {
        System.arraycopy(normed, groups.order()[i] / k * hidden, gathered, i * hidden, hidden);
      }
    }
    float[] gate = new float[n * k * columns];
    float[] up = new float[n * k * columns];
    float[] result = new float[n * k * hidden];
    List<Job> entering = new ArrayList<>();
    List<Job> leaving = new ArrayList<>();
    int from = rank.share().columnFrom();
    int to = rank.share().columnTo();
    for (int e = 0; e < experts; e++) {
      int size = groups.size(e);
      int start = groups.start()[e];
      if (size > 0) {
        int x = n > 1 ? start * hidden : 0;
        entering.add(
            new Job(
                weights.w1()[e],
                from,
                to,
                0,
                hidden,
                gathered,
                x,
                hidden,
                size,
                gate,
                start * columns,
                columns));
        entering.add(
            new Job(
                weights.w3()[e],
                from,
                to,
                0,
                hidden,
                gathered,
                x,
                hidden,
                size,
                up,
                start * columns,
                columns));
        leaving.add(
            new Job(
                weights.w2()[e],
                0,
                hidden,
                from,
                to,
                gate,
                start * columns,
                columns,
                size,
                result,
                start * hidden,
                hidden));
      }
    }
    products.run(entering);
    rank.kernels().swiGlu(gate, 0, up, 0, gate.length);
    products.run(leaving);
    Arrays.fill(delta, 0, n * hidden, 0);
    // In the order of the groups, so each token meets its experts by number.
    for (int i = 0; i < n * k; i++) {
      int assignment = groups.order()[i];
      rank.kernels()
          .addScaled(
              delta, assignment / k * hidden, result, i * hidden, hidden, shares[assignment]);
    }
  }
}
