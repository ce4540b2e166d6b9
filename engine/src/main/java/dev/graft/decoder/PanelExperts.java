package dev.graft.decoder;

import dev.graft.checkpoint.ModelSpec;
import dev.graft.checkpoint.MoeSpec;
import dev.graft.experts.Groups;
import dev.graft.experts.Router;
import dev.graft.kernel.Kernels;
import dev.graft.kernel.MatrixPanels;
import dev.graft.kernel.MatrixPanels.Gated;
import dev.graft.kernel.PanelJob;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Experts in prefill: tokens are sorted by expert into panels of their own, each expert is one
 * matrix product, and every token adds its experts' results in the order of the expert numbers.
 */
final class PanelExperts {
  private final Rank rank;
  private final MatrixPanels products;
  private final Kernels kernels;
  private final int width;
  private final Reused gatheredRoom = new Reused();
  private final Reused gateRoom = new Reused();
  private final Reused upRoom = new Reused();
  private final Reused resultRoom = new Reused();

  /**
   * The tokens of a panel.
   *
   * @param chunk number of their chunk
   * @param from first token within the chunk
   * @param live how many
   */
  record Lanes(int chunk, int from, int live) {}

  PanelExperts(Rank rank, MatrixPanels products) {
    this.rank = rank;
    this.products = products;
    this.kernels = rank.kernels();
    this.width = kernels.panelWidth();
  }

  /**
   * Replaces delta by the experts' output for the normed tokens.
   *
   * @param normed [panels, hidden, width]
   * @param delta as normed
   */
  void run(
      int layer, LayerWeights.Routed weights, List<Lanes> panels, float[] normed, float[] delta) {
    ModelSpec spec = rank.weights().spec();
    MoeSpec moe = spec.moe().orElseThrow();
    int n = moe.numExperts();
    int k = moe.topK();
    int hidden = spec.hiddenSize();
    int columns = rank.share().columns();
    float[] logits = new float[panels.size() * n * width];
    products.run(
        List.of(
            new PanelJob(
                weights.router(),
                0,
                n,
                0,
                hidden,
                normed,
                0,
                hidden * width,
                panels.size(),
                width,
                logits,
                0,
                n * width)));
    int slots = panels.size() * width;
    int[] chosen = new int[slots * k];
    float[] shares = new float[slots * k];
    int[] tokens = route(layer, moe, panels, logits, chosen, shares);
    int[] experts = new int[tokens.length * k];
    for (int t = 0; t < tokens.length; t++) {
      System.arraycopy(chosen, tokens[t] * k, experts, t * k, k);
    }
    Groups groups = Groups.of(experts, experts.length, n);

    // Where each assignment's column is among the experts' panels.
    int[] firstPanel = new int[n + 1];
    for (int e = 0; e < n; e++) {
      firstPanel[e + 1] = firstPanel[e] + Math.ceilDiv(groups.size(e), width);
    }
    int[] slotOf = new int[slots * k];
    int[] sourceOf = new int[firstPanel[n] * width];
    Arrays.fill(sourceOf, -1);
    for (int e = 0; e < n; e++) {
      for (int i = 0; i < groups.size(e); i++) {
        int assignment = groups.order()[groups.start()[e] + i];
        int slot = firstPanel[e] * width + i;
        slotOf[tokens[assignment / k] * k + assignment % k] = slot;
        sourceOf[slot] = tokens[assignment / k];
      }
    }
    int total = firstPanel[n];
    float[] gathered = gatheredRoom.atLeast(total * hidden * width);
    float[] gate = gateRoom.atLeast(total * columns * width);
    float[] up = upRoom.atLeast(total * columns * width);
    float[] result = resultRoom.atLeast(total * hidden * width);
    rank.workers().run(total, (p, thread) -> gather(normed, hidden, sourceOf, p, gathered));
    List<Gated> entering = new ArrayList<>();
    List<PanelJob> leaving = new ArrayList<>();
    int from = rank.share().columnFrom();
    int to = rank.share().columnTo();
    for (int e = 0; e < n; e++) {
      int count = firstPanel[e + 1] - firstPanel[e];
      if (count > 0) {
        int live = groups.size(e) - (count - 1) * width;
        int x = firstPanel[e] * hidden * width;
        int h = firstPanel[e] * columns * width;
        entering.add(
            new Gated(
                new PanelJob(
                    weights.w1()[e],
                    from,
                    to,
                    0,
                    hidden,
                    gathered,
                    x,
                    hidden * width,
                    count,
                    live,
                    gate,
                    h,
                    columns * width),
                new PanelJob(
                    weights.w3()[e],
                    from,
                    to,
                    0,
                    hidden,
                    gathered,
                    x,
                    hidden * width,
                    count,
                    live,
                    up,
                    h,
                    columns * width)));
        leaving.add(
            new PanelJob(
                weights.w2()[e],
                0,
                hidden,
                from,
                to,
                gate,
                h,
                columns * width,
                count,
                live,
                result,
                x,
                hidden * width));
      }
    }
    products.runGated(entering);
    products.run(leaving);
    rank.workers()
        .run(
            panels.size(),
            (p, thread) -> {
              int at = p * hidden * width;
              Arrays.fill(delta, at, at + hidden * width, 0);
              for (int lane = 0; lane < panels.get(p).live(); lane++) {
                scatter(p, lane, k, chosen, shares, slotOf, result, delta, hidden);
              }
            });
  }

  /** Routes every live lane; returns their slots, panel · width + lane. */
  private int[] route(
      int layer, MoeSpec moe, List<Lanes> panels, float[] logits, int[] chosen, float[] shares) {
    Router router = new Router(moe);
    int k = moe.topK();
    int[] tokens = new int[panels.stream().mapToInt(Lanes::live).sum()];
    int t = 0;
    for (int p = 0; p < panels.size(); p++) {
      Lanes lanes = panels.get(p);
      for (int lane = 0; lane < lanes.live(); lane++) {
        int slot = p * width + lane;
        router.route(logits, p * moe.numExperts() * width + lane, width, chosen, shares, slot * k);
        tokens[t++] = slot;
        rank.observer()
            .routed(
                layer,
                lanes.chunk(),
                lanes.from() + lane,
                Arrays.copyOfRange(chosen, slot * k, slot * k + k),
                Arrays.copyOfRange(shares, slot * k, slot * k + k));
      }
    }
    return tokens;
  }

  private void gather(float[] normed, int hidden, int[] sourceOf, int p, float[] gathered) {
    for (int lane = 0; lane < width; lane++) {
      int source = sourceOf[p * width + lane];
      if (source >= 0) {
        int at = source / width * hidden * width + source % width;
        int to = p * hidden * width + lane;
        for (int i = 0; i < hidden; i++) {
          gathered[to + i * width] = normed[at + i * width];
        }
      }
    }
  }

  private void scatter(
      int p,
      int lane,
      int k,
      int[] chosen,
      float[] shares,
      int[] slotOf,
      float[] result,
      float[] delta,
      int hidden) {
    int first = (p * width + lane) * k;
    int to = p * hidden * width + lane;
    int last = -1;
    for (int turn = 0; turn < k; turn++) {
      int next = -1;
      for (int j = 0; j < k; j++) {
        if (chosen[first + j] > last && (next < 0 || chosen[first + j] < chosen[first + next])) {
          next = j;
        }
      }
      last = chosen[first + next];
      int slot = slotOf[first + next];
      int from = slot / width * hidden * width + slot % width;
      float share = shares[first + next];
      for (int i = 0; i < hidden; i++) {
        delta[to + i * width] = Math.fma(share, result[from + i * width], delta[to + i * width]);
      }
    }
  }
}
