package dev.graft.decoder;

import dev.graft.kernel.MatrixPanels;
import dev.graft.kernel.PanelJob;
import java.util.List;

/**
 * Final norm and logits of prompt tokens that choose no next token, where a text is scored: there
 * are as many rows as tokens, so they are computed in panels as the layers are.
 */
final class PanelHead {
  /** Panels at a time: enough that decoding the weights takes little beside the products. */
  private static final int PANELS = 4;

  /** Tokens of the vocabulary at a time, so that their logits are still cached when they move. */
  private static final int VOCABULARY = 4096;

  /** The same in one thread's piece of the move. */
  private static final int MOVED = 256;

  private final Rank rank;
  private final MatrixPanels products;
  private final int width;
  private final Reused normed = new Reused();
  private final Reused product = new Reused();
  private final Reused rows = new Reused();

  /**
   * Tokens of a panel that are scored.
   *
   * @param panel which
   * @param from first lane
   * @param to end of the lanes
   * @param chunk number of their chunk in the step
   * @param row of the chunk's logits that the first lane is
   */
  record Lanes(int panel, int from, int to, int chunk, int row) {}

  PanelHead(Rank rank, MatrixPanels products) {
    this.rank = rank;
    this.products = products;
    this.width = rank.kernels().panelWidth();
  }

  /**
   * Logits of lanes.
   *
   * @param hidden [panels, hiddenSize, width], before the norm
   * @param scored receives them in the order of the lanes
   */
  void run(float[] hidden, List<Lanes> lanes, ScoredRows scored) {
    for (int i = 0; i < lanes.size(); i += PANELS) {
      group(hidden, lanes.subList(i, Math.min(lanes.size(), i + PANELS)), scored);
    }
  }

  private void group(float[] hidden, List<Lanes> lanes, ScoredRows scored) {
    DecoderWeights weights = rank.weights();
    int size = weights.spec().hiddenSize() * width;
    float[] x = normed.atLeast(lanes.size() * size);
    rank.workers()
        .run(
            lanes.size(),
            (i, _) ->
                rank.kernels()
                    .rmsNormPanel(
                        hidden,
                        lanes.get(i).panel() * size,
                        weights.spec().hiddenSize(),
                        width,
                        weights.norm(),
                        weights.spec().rmsNormEps(),
                        x,
                        i * size));
    int vocab = weights.spec().vocabSize();
    int from = rank.share().vocabularyFrom();
    int end = rank.share().vocabularyTo();
    float[] out = rows.atLeast(PANELS * width * vocab);
    int count = lanes.stream().mapToInt(l -> l.to() - l.from()).sum();
    rank.share().clear(out, count, vocab);
    for (int v = from; v < end; v += VOCABULARY) {
      vocabulary(x, size, v, Math.min(end, v + VOCABULARY), lanes, out);
    }
    rank.sum().add(out, count * vocab);
    int row = 0;
    for (Lanes some : lanes) {
      for (int lane = some.from(); lane < some.to(); lane++, row++) {
        scored.row(some.chunk(), some.row() + lane - some.from(), out, row * vocab);
      }
    }
  }

  private void vocabulary(float[] x, int size, int from, int to, List<Lanes> lanes, float[] out) {
    int panel = (to - from) * width;
    float[] lines = product.atLeast(lanes.size() * panel);
    products.run(
        List.of(
            new PanelJob(
                rank.weights().head(),
                from,
                to,
                0,
                rank.weights().spec().hiddenSize(),
                x,
                0,
                size,
                lanes.size(),
                lanes.getLast().to(),
                lines,
                0,
                panel)));
    int[] firsts = new int[lanes.size()];
    for (int i = 1; i < firsts.length; i++) {
      firsts[i] = firsts[i - 1] + lanes.get(i - 1).to() - lanes.get(i - 1).from();
    }
    int pieces = Math.ceilDiv(to - from, MOVED);
    rank.workers()
        .run(
            lanes.size() * pieces,
            (part, _) -> {
              int i = part / pieces;
              int first = part % pieces * MOVED;
              int count = Math.min(MOVED, to - from - first);
              move(
                  lines,
                  i * panel + first * width,
                  count,
                  lanes.get(i),
                  out,
                  firsts[i],
                  from + first);
            });
  }

  /** From a line per token of the vocabulary to a row per token of the text. */
  private void move(
      float[] lines, int at, int count, Lanes lanes, float[] out, int firstRow, int column) {
    int vocab = rank.weights().spec().vocabSize();
    for (int lane = lanes.from(); lane < lanes.to(); lane++) {
      int to = (firstRow + lane - lanes.from()) * vocab + column;
      for (int v = 0; v < count; v++) {
        out[to + v] = lines[at + v * width + lane];
      }
    }
  }
}
