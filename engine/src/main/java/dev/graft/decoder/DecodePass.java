package dev.graft.decoder;

import dev.graft.attention.DecodeAttention;
import dev.graft.attention.HeadMap;
import dev.graft.cache.KeyValuePages;
import dev.graft.checkpoint.ModelSpec;
import dev.graft.kernel.Job;
import dev.graft.kernel.Kernels;
import dev.graft.kernel.Matrix;
import dev.graft.kernel.MatrixVector;
import java.util.ArrayList;
import java.util.List;

/**
 * The forward pass of a few tokens, of one or of several sequences: activations lie row by row, and
 * each weight is read once.
 */
final class DecodePass {
  private final Rank rank;
  private final ModelSpec spec;
  private final Kernels kernels;
  private final HeadMap heads;
  private final MatrixVector products;
  private final DecodeAttention attention;
  private final RowExperts experts;

  /** A token to compute. */
  private record Token(int chunk, int index, int id, int position, int[] table) {}

  /** Activations of a step, [tokens, features] each. */
  private record Activations(
      float[] x,
      float[] normed,
      float[] q,
      float[] k,
      float[] v,
      float[] attended,
      float[] delta,
      float[] gate,
      float[] up) {}

  DecodePass(Rank rank, MatrixVector products) {
    this.rank = rank;
    this.spec = rank.weights().spec();
    this.kernels = rank.kernels();
    this.heads = rank.share().heads();
    this.products = products;
    this.attention =
        new DecodeAttention(kernels, rank.workers(), rank.pages(), heads, rank.window());
    this.experts = new RowExperts(rank, products);
  }

  /**
   * Computes the chunks.
   *
   * @return the residual stream of the tokens whose logits are wanted, chunk by chunk, [tokens,
   *     hidden]
   */
  List<float[]> run(List<Numbered> chunks) {
    List<Token> tokens = new ArrayList<>();
    for (Numbered numbered : chunks) {
      Chunk chunk = numbered.chunk();
      for (int i = 0; i < chunk.ids().length; i++) {
        tokens.add(
            new Token(numbered.number(), i, chunk.ids()[i], chunk.position() + i, chunk.pages()));
      }
    }
    int n = tokens.size();
    int hidden = spec.hiddenSize();
    int q = n * heads.heads() * heads.headDim();
    int kv = n * heads.keyValueHeads() * heads.headDim();
    int ffn = spec.moe().isPresent() ? 0 : n * rank.share().columns();
    Activations a =
        new Activations(
            new float[n * hidden],
            new float[n * hidden],
            new float[q],
            new float[kv],
            new float[kv],
            new float[q],
            new float[n * hidden],
            new float[ffn],
            new float[ffn]);
    for (int t = 0; t < n; t++) {
      rank.weights().embedding().decode(tokens.get(t).id(), 0, hidden, a.x(), t * hidden);
    }
    int[] positions = tokens.stream().mapToInt(Token::position).toArray();
    int[][] tables = tokens.stream().map(Token::table).toArray(int[][]::new);
    List<RowExperts.Source> sources =
        tokens.stream().map(t -> new RowExperts.Source(t.chunk(), t.index())).toList();
    for (int l = 0; l < spec.numHiddenLayers(); l++) {
      layer(l, positions, tables, sources, a);
    }
    return wanted(chunks, a.x());
  }

  private void layer(
      int l, int[] positions, int[][] tables, List<RowExperts.Source> sources, Activations a) {
    LayerWeights w = rank.weights().layers().get(l);
    int n = positions.length;
    int dim = heads.headDim();
    int qFrom = heads.headFrom() * dim;
    int qTo = heads.headTo() * dim;
    int kvFrom = heads.keyValueFrom() * dim;
    int kvTo = heads.keyValueTo() * dim;
    int hidden = spec.hiddenSize();
    normalize(n, w.inputNorm(), a);
    products.run(
        List.of(
            job(w.q(), qFrom, qTo, 0, hidden, a.normed(), n, a.q()),
            job(w.k(), kvFrom, kvTo, 0, hidden, a.normed(), n, a.k()),
            job(w.v(), kvFrom, kvTo, 0, hidden, a.normed(), n, a.v())));
    rank.workers().run(n, (t, _) -> placeHeads(l, w, positions[t], tables[t], t, a));
    attention.run(l, positions, tables, a.q(), a.attended());
    products.run(List.of(job(w.o(), 0, hidden, qFrom, qTo, a.attended(), n, a.delta())));
    addDelta(n, w.oBias(), a);
    normalize(n, w.feedForwardNorm(), a);
    float[] downBias = {};
    switch (w.feedForward()) {
      case LayerWeights.Dense dense -> {
        feedForward(dense, n, a);
        downBias = dense.downBias();
      }
      case LayerWeights.Routed routed -> experts.run(l, routed, sources, a.normed(), a.delta());
    }
    addDelta(n, downBias, a);
  }

  private static Job job(
      Matrix matrix,
      int rowFrom,
      int rowTo,
      int columnFrom,
      int columnTo,
      float[] x,
      int tokens,
      float[] out) {
    return new Job(
        matrix,
        rowFrom,
        rowTo,
        columnFrom,
        columnTo,
        x,
        0,
        columnTo - columnFrom,
        tokens,
        out,
        0,
        rowTo - rowFrom);
  }

  private void normalize(int n, float[] gain, Activations a) {
    int hidden = spec.hiddenSize();
    for (int t = 0; t < n; t++) {
      kernels.rmsNorm(a.x(), t * hidden, hidden, gain, spec.rmsNormEps(), a.normed(), t * hidden);
    }
  }

  private void feedForward(LayerWeights.Dense dense, int n, Activations a) {
    int hidden = spec.hiddenSize();
    int from = rank.share().columnFrom();
    int to = rank.share().columnTo();
    products.run(
        List.of(
            job(dense.gate(), from, to, 0, hidden, a.normed(), n, a.gate()),
            job(dense.up(), from, to, 0, hidden, a.normed(), n, a.up())));
    if (dense.gateBias().length > 0) {
      for (int t = 0; t < n; t++) {
        addBias(a.gate(), t * (to - from), dense.gateBias(), from, to);
        addBias(a.up(), t * (to - from), dense.upBias(), from, to);
      }
    }
    int width = to - from;
    rank.workers().run(n, (t, _) -> kernels.swiGlu(a.gate(), t * width, a.up(), t * width, width));
    products.run(List.of(job(dense.down(), 0, hidden, from, to, a.gate(), n, a.delta())));
  }

  private void addDelta(int n, float[] bias, Activations a) {
    int hidden = spec.hiddenSize();
    rank.sum().add(a.delta(), n * hidden);
    for (int t = 0; t < n; t++) {
      addBias(a.delta(), t * hidden, bias, 0, bias.length);
    }
    kernels.addScaled(a.x(), 0, a.delta(), 0, n * hidden, 1);
  }

  private static void addBias(float[] x, int at, float[] bias, int from, int to) {
    if (bias.length > 0) {
      for (int i = from; i < to; i++) {
        x[at + i - from] += bias[i];
      }
    }
  }

  /**
   * Biases, norms and rotation of a token's queries and keys; keys and values go into the cache.
   */
  private void placeHeads(int l, LayerWeights w, int position, int[] table, int t, Activations a) {
    int dim = heads.headDim();
    int q = t * heads.heads() * dim;
    int kv = t * heads.keyValueHeads() * dim;
    addBias(a.q(), q, w.qBias(), heads.headFrom() * dim, heads.headTo() * dim);
    addBias(a.k(), kv, w.kBias(), heads.keyValueFrom() * dim, heads.keyValueTo() * dim);
    addBias(a.v(), kv, w.vBias(), heads.keyValueFrom() * dim, heads.keyValueTo() * dim);
    RotaryTable rotary = rank.rotary();
    int half = rotary.half();
    for (int h = 0; h < heads.heads(); h++) {
      normalizeHead(a.q(), q + h * dim, w.qNorm());
      kernels.rotate(a.q(), q + h * dim, half, rotary.cos(), rotary.sin(), position * half);
    }
    for (int h = 0; h < heads.keyValueHeads(); h++) {
      int at = kv + h * dim;
      normalizeHead(a.k(), at, w.kNorm());
      kernels.rotate(a.k(), at, half, rotary.cos(), rotary.sin(), position * half);
      rank.pages()
          .write(
              table[position / KeyValuePages.SIZE],
              l,
              h,
              position % KeyValuePages.SIZE,
              a.k(),
              at,
              1,
              a.v(),
              at,
              1);
    }
  }

  private void normalizeHead(float[] x, int at, float[] gain) {
    if (gain.length > 0) {
      kernels.rmsNorm(x, at, heads.headDim(), gain, spec.rmsNormEps(), x, at);
    }
  }

  private List<float[]> wanted(List<Numbered> chunks, float[] x) {
    int hidden = spec.hiddenSize();
    List<float[]> rows = new ArrayList<>();
    int end = 0;
    for (Numbered numbered : chunks) {
      end += numbered.chunk().ids().length;
      int from = (end - numbered.chunk().logits()) * hidden;
      rows.add(java.util.Arrays.copyOfRange(x, from, end * hidden));
    }
    return rows;
  }
}
