package dev.graft.decoder;

import dev.graft.attention.HeadMap;
import dev.graft.attention.PanelAttention;
import dev.graft.checkpoint.ModelSpec;
import dev.graft.kernel.Kernels;
import dev.graft.kernel.MatrixPanels;
import dev.graft.kernel.MatrixPanels.Gated;
import dev.graft.kernel.PanelJob;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;

/**
 * The forward pass of many tokens. Activations lie in panels [features, width], one lane a token,
 * so that every operation but routing and attention's softmax is the same for all lanes; a panel
 * holds tokens of one sequence.
 */
final class PrefillPass {
  private final Rank rank;
  private final ModelSpec spec;
  private final Kernels kernels;
  private final int width;
  private final HeadMap heads;
  private final MatrixPanels products;
  private final PanelAttention attention;
  private final PanelExperts experts;
  private final PanelHead head;
  private final Reused[] room = Stream.generate(Reused::new).limit(11).toArray(Reused[]::new);

  /** Activations of a step, [panels, features, width] each. */
  private record Activations(
      float[] x,
      float[] normed,
      float[] q,
      float[] k,
      float[] v,
      float[] attended,
      float[] delta,
      float[] gate,
      float[] up,
      float[] cos,
      float[] sin) {}

  /** The tokens of a panel. */
  private record Tokens(Numbered source, int from, PanelAttention.Panel panel) {}

  PrefillPass(Rank rank) {
    this.rank = rank;
    this.spec = rank.weights().spec();
    this.kernels = rank.kernels();
    this.width = kernels.panelWidth();
    this.heads = rank.share().heads();
    this.products = new MatrixPanels(kernels, rank.workers());
    this.attention =
        new PanelAttention(kernels, rank.workers(), rank.pages(), heads, rank.window());
    this.experts = new PanelExperts(rank, products);
    this.head = new PanelHead(rank, products);
  }

  /**
   * Computes the chunks.
   *
   * @param scored receives the logits that choose no token
   * @return the residual stream of the tokens that choose the next one, chunk by chunk, [tokens,
   *     hidden]
   */
  List<float[]> run(List<Numbered> chunks, ScoredRows scored) {
    List<Tokens> tokens = split(chunks);
    Activations a = activations(tokens.size());
    PanelAttention.Panel[] panels =
        tokens.stream().map(Tokens::panel).toArray(PanelAttention.Panel[]::new);
    rank.workers().run(panels.length, (p, thread) -> begin(tokens.get(p), p, a));
    List<PanelExperts.Lanes> lanes =
        tokens.stream()
            .map(t -> new PanelExperts.Lanes(t.source().number(), t.from(), t.panel().live()))
            .toList();
    int last = spec.numHiddenLayers() - 1;
    for (int l = 0; l < last; l++) {
      layer(l, panels, lanes, a);
    }
    // Of a piece of a prompt nobody asks for more than the last layer's keys and values; a mixture
    // goes on, for the load of its experts is counted.
    if (spec.moe().isPresent() || chunks.stream().anyMatch(c -> c.chunk().logits() > 0)) {
      layer(last, panels, lanes, a);
    } else {
      keysAndValues(last, panels, a);
    }
    head.run(a.x(), scored(chunks), scored);
    return choosing(chunks, tokens, a.x());
  }

  private List<Tokens> split(List<Numbered> chunks) {
    List<Tokens> tokens = new ArrayList<>();
    for (Numbered numbered : chunks) {
      Chunk chunk = numbered.chunk();
      for (int from = 0; from < chunk.ids().length; from += width) {
        tokens.add(
            new Tokens(
                numbered,
                from,
                new PanelAttention.Panel(
                    chunk.position() + from,
                    Math.min(width, chunk.ids().length - from),
                    chunk.pages())));
      }
    }
    return tokens;
  }

  private Activations activations(int panels) {
    int hidden = panels * spec.hiddenSize() * width;
    int q = panels * heads.heads() * heads.headDim() * width;
    int kv = panels * heads.keyValueHeads() * heads.headDim() * width;
    int ffn = spec.moe().isPresent() ? 0 : panels * rank.share().columns() * width;
    int angles = panels * rank.rotary().half() * width;
    return new Activations(
        room[0].atLeast(hidden),
        room[1].atLeast(hidden),
        room[2].atLeast(q),
        room[3].atLeast(kv),
        room[4].atLeast(kv),
        room[5].atLeast(q),
        room[6].atLeast(hidden),
        room[7].atLeast(ffn),
        room[8].atLeast(ffn),
        room[9].atLeast(angles),
        room[10].atLeast(angles));
  }

  /** Embeddings and angles of a panel. */
  private void begin(Tokens tokens, int p, Activations a) {
    int hidden = spec.hiddenSize();
    int half = rank.rotary().half();
    float[] row = new float[hidden];
    for (int lane = 0; lane < tokens.panel().live(); lane++) {
      int id = tokens.source().chunk().ids()[tokens.from() + lane];
      rank.weights().embedding().decode(id, 0, hidden, row, 0);
      for (int i = 0; i < hidden; i++) {
        a.x()[(p * hidden + i) * width + lane] = row[i];
      }
      int angle = (tokens.panel().position() + lane) * half;
      for (int i = 0; i < half; i++) {
        a.cos()[(p * half + i) * width + lane] = rank.rotary().cos()[angle + i];
        a.sin()[(p * half + i) * width + lane] = rank.rotary().sin()[angle + i];
      }
    }
    normalize(p, rank.weights().layers().getFirst().inputNorm(), a);
  }

  private void normalize(int p, float[] gain, Activations a) {
    int at = p * spec.hiddenSize() * width;
    kernels.rmsNormPanel(
        a.x(), at, spec.hiddenSize(), width, gain, spec.rmsNormEps(), a.normed(), at);
  }

  private void layer(
      int l, PanelAttention.Panel[] panels, List<PanelExperts.Lanes> lanes, Activations a) {
    LayerWeights w = rank.weights().layers().get(l);
    int dim = heads.headDim();
    int live = panels[panels.length - 1].live();
    int qFrom = heads.headFrom() * dim;
    int qTo = heads.headTo() * dim;
    int kvFrom = heads.keyValueFrom() * dim;
    int kvTo = heads.keyValueTo() * dim;
    int hidden = spec.hiddenSize();
    int n = panels.length;
    products.run(
        List.of(
            job(w.q(), qFrom, qTo, 0, hidden, a.normed(), n, live, a.q()),
            job(w.k(), kvFrom, kvTo, 0, hidden, a.normed(), n, live, a.k()),
            job(w.v(), kvFrom, kvTo, 0, hidden, a.normed(), n, live, a.v())));
    rank.workers().run(n, (p, thread) -> placeHeads(l, w, panels[p], p, a));
    attention.run(l, panels, a.q(), a.attended());
    products.run(List.of(job(w.o(), 0, hidden, qFrom, qTo, a.attended(), n, live, a.delta())));
    addDelta(n, w.oBias(), w.feedForwardNorm(), a);
    float[] downBias = {};
    switch (w.feedForward()) {
      case LayerWeights.Dense dense -> {
        feedForward(dense, n, live, a);
        downBias = dense.downBias();
      }
      case LayerWeights.Routed routed -> experts.run(l, routed, lanes, a.normed(), a.delta());
    }
    boolean last = l == spec.numHiddenLayers() - 1;
    float[] next = last ? new float[0] : rank.weights().layers().get(l + 1).inputNorm();
    addDelta(n, downBias, next, a);
  }

  private void keysAndValues(int l, PanelAttention.Panel[] panels, Activations a) {
    LayerWeights w = rank.weights().layers().get(l);
    int from = heads.keyValueFrom() * heads.headDim();
    int to = heads.keyValueTo() * heads.headDim();
    int hidden = spec.hiddenSize();
    int n = panels.length;
    int live = panels[n - 1].live();
    products.run(
        List.of(
            job(w.k(), from, to, 0, hidden, a.normed(), n, live, a.k()),
            job(w.v(), from, to, 0, hidden, a.normed(), n, live, a.v())));
    rank.workers().run(n, (p, thread) -> placeKeys(l, w, panels[p], p, a));
  }

  private PanelJob job(
      dev.graft.kernel.Matrix matrix,
      int rowFrom,
      int rowTo,
      int columnFrom,
      int columnTo,
      float[] x,
      int panels,
      int live,
      float[] out) {
    return new PanelJob(
        matrix,
        rowFrom,
        rowTo,
        columnFrom,
        columnTo,
        x,
        0,
        (columnTo - columnFrom) * width,
        panels,
        live,
        out,
        0,
        (rowTo - rowFrom) * width);
  }

  private void feedForward(LayerWeights.Dense dense, int n, int live, Activations a) {
    int hidden = spec.hiddenSize();
    int from = rank.share().columnFrom();
    int to = rank.share().columnTo();
    PanelJob gate = job(dense.gate(), from, to, 0, hidden, a.normed(), n, live, a.gate());
    PanelJob up = job(dense.up(), from, to, 0, hidden, a.normed(), n, live, a.up());
    if (dense.gateBias().length == 0) {
      products.runGated(List.of(new Gated(gate, up)));
    } else {
      products.run(List.of(gate, up));
      for (int p = 0; p < n; p++) {
        int at = p * (to - from) * width;
        addBias(a.gate(), at, dense.gateBias(), from, to);
        addBias(a.up(), at, dense.upBias(), from, to);
        kernels.swiGlu(a.gate(), at, a.up(), at, (to - from) * width);
      }
    }
    products.run(List.of(job(dense.down(), 0, hidden, from, to, a.gate(), n, live, a.delta())));
  }

  /** Adds what the ranks computed to the residual stream, and normalises it for what comes next. */
  private void addDelta(int panels, float[] bias, float[] gain, Activations a) {
    int size = spec.hiddenSize() * width;
    rank.sum().add(a.delta(), panels * size);
    rank.workers()
        .run(
            panels,
            (p, thread) -> {
              addBias(a.delta(), p * size, bias, 0, bias.length);
              kernels.addScaled(a.x(), p * size, a.delta(), p * size, size, 1);
              if (gain.length > 0) {
                normalize(p, gain, a);
              }
            });
  }

  private void addBias(float[] x, int at, float[] bias, int from, int to) {
    if (bias.length == 0) {
      return;
    }
    for (int i = from; i < to; i++) {
      int line = at + (i - from) * width;
      for (int lane = 0; lane < width; lane++) {
        x[line + lane] += bias[i];
      }
    }
  }

  /** Biases, norms and rotation of queries and keys; keys and values go into the cache. */
  private void placeHeads(int l, LayerWeights w, PanelAttention.Panel panel, int p, Activations a) {
    int dim = heads.headDim();
    int q = p * heads.heads() * dim * width;
    addBias(
        a.q(), q, w.qBias(), bound(w.qBias(), heads.headFrom()), bound(w.qBias(), heads.headTo()));
    int half = rank.rotary().half() * width;
    for (int h = 0; h < heads.heads(); h++) {
      int at = q + h * dim * width;
      normalizeHead(a.q(), at, w.qNorm());
      kernels.rotate(a.q(), at, half, a.cos(), a.sin(), p * half);
    }
    placeKeys(l, w, panel, p, a);
  }

  private void placeKeys(int l, LayerWeights w, PanelAttention.Panel panel, int p, Activations a) {
    int dim = heads.headDim();
    int kv = p * heads.keyValueHeads() * dim * width;
    int half = rank.rotary().half() * width;
    addBias(
        a.k(),
        kv,
        w.kBias(),
        bound(w.kBias(), heads.keyValueFrom()),
        bound(w.kBias(), heads.keyValueTo()));
    addBias(
        a.v(),
        kv,
        w.vBias(),
        bound(w.vBias(), heads.keyValueFrom()),
        bound(w.vBias(), heads.keyValueTo()));
    for (int h = 0; h < heads.keyValueHeads(); h++) {
      int at = kv + h * dim * width;
      normalizeHead(a.k(), at, w.kNorm());
      kernels.rotate(a.k(), at, half, a.cos(), a.sin(), p * half);
      for (int lane = 0; lane < panel.live(); lane++) {
        int position = panel.position() + lane;
        int size = dev.graft.cache.KeyValuePages.SIZE;
        rank.pages()
            .write(
                panel.table()[position / size],
                l,
                h,
                position % size,
                a.k(),
                at + lane,
                width,
                a.v(),
                at + lane,
                width);
      }
    }
  }

  private int bound(float[] bias, int head) {
    return bias.length == 0 ? 0 : head * heads.headDim();
  }

  private void normalizeHead(float[] x, int at, float[] gain) {
    if (gain.length > 0) {
      kernels.rmsNormPanel(x, at, heads.headDim(), width, gain, spec.rmsNormEps(), x, at);
    }
  }

  /** The lanes whose logits choose no token, panel by panel. */
  private List<PanelHead.Lanes> scored(List<Numbered> chunks) {
    List<PanelHead.Lanes> lanes = new ArrayList<>();
    int p = 0;
    for (int c = 0; c < chunks.size(); c++) {
      Chunk chunk = chunks.get(c).chunk();
      int first = chunk.ids().length - chunk.logits();
      int end = first + chunk.scored();
      for (int t = 0; t < chunk.ids().length; t += width, p++) {
        int from = Math.max(first, t);
        int to = Math.min(end, t + width);
        if (from < to) {
          lanes.add(new PanelHead.Lanes(p, from - t, to - t, chunks.get(c).number(), from - first));
        }
      }
    }
    return lanes;
  }

  private List<float[]> choosing(List<Numbered> chunks, List<Tokens> tokens, float[] x) {
    int hidden = spec.hiddenSize();
    List<float[]> rows = new ArrayList<>();
    int p = 0;
    for (Numbered numbered : chunks) {
      Chunk chunk = numbered.chunk();
      float[] row = new float[(chunk.logits() - chunk.scored()) * hidden];
      int last = chunk.ids().length - 1;
      int at = (p + last / width) * hidden * width + last % width;
      for (int i = 0; i < row.length; i++) {
        row[i] = x[at + i * width];
      }
      rows.add(row);
      p += Math.ceilDiv(chunk.ids().length, width);
    }
    if (p != tokens.size()) {
      throw new IllegalStateException(Arrays.toString(new int[] {p, tokens.size()}));
    }
    return rows;
  }
}
