package dev.graft.decoder;

import dev.graft.checkpoint.Checkpoint;
import dev.graft.checkpoint.ModelSpec;
import dev.graft.checkpoint.TensorNames;
import dev.graft.kernel.Kernels;
import dev.graft.kernel.Matrix;
import java.util.ArrayList;
import java.util.List;

/**
 * All weights of a model, in place in the mapped files; shared by the ranks of a process.
 *
 * @param spec the model's shape
 * @param embedding [vocab, hidden]
 * @param layers from first to last
 * @param norm gain before the head
 * @param head [vocab, hidden], the embedding itself where it is tied
 */
record DecoderWeights(
    ModelSpec spec, Matrix embedding, List<LayerWeights> layers, float[] norm, Matrix head) {
  private static final float[] NONE = {};

  static DecoderWeights of(Checkpoint checkpoint, Kernels kernels) {
    ModelSpec spec = checkpoint.spec();
    Matrix embedding = kernels.matrix(checkpoint.weight("model.embed_tokens.weight"));
    Matrix head =
        spec.tieWordEmbeddings() ? embedding : kernels.matrix(checkpoint.weight("lm_head.weight"));
    List<LayerWeights> layers = new ArrayList<>();
    for (int l = 0; l < spec.numHiddenLayers(); l++) {
      layers.add(layer(checkpoint, kernels, l));
    }
    return new DecoderWeights(
        spec, embedding, layers, vector(checkpoint, "model.norm.weight"), head);
  }

  private static LayerWeights layer(Checkpoint checkpoint, Kernels kernels, int l) {
    ModelSpec spec = checkpoint.spec();
    String layer = "model.layers." + l + ".";
    String attention = layer + "self_attn.";
    boolean bias = spec.queryKeyValueBias();
    return new LayerWeights(
        vector(checkpoint, layer + "input_layernorm.weight"),
        kernels.matrix(checkpoint.weight(attention + "q_proj.weight")),
        kernels.matrix(checkpoint.weight(attention + "k_proj.weight")),
        kernels.matrix(checkpoint.weight(attention + "v_proj.weight")),
        kernels.matrix(checkpoint.weight(attention + "o_proj.weight")),
        optional(checkpoint, bias, attention + "q_proj.bias"),
        optional(checkpoint, bias, attention + "k_proj.bias"),
        optional(checkpoint, bias, attention + "v_proj.bias"),
        optional(checkpoint, spec.outputBias(), attention + "o_proj.bias"),
        optional(checkpoint, spec.queryKeyNorm(), attention + "q_norm.weight"),
        optional(checkpoint, spec.queryKeyNorm(), attention + "k_norm.weight"),
        vector(checkpoint, layer + "post_attention_layernorm.weight"),
        feedForward(checkpoint, kernels, l));
  }

  private static LayerWeights.FeedForward feedForward(
      Checkpoint checkpoint, Kernels kernels, int l) {
    ModelSpec spec = checkpoint.spec();
    if (spec.moe().isPresent()) {
      int n = spec.moe().get().numExperts();
      return new LayerWeights.Routed(
          kernels.matrix(checkpoint.weight(TensorNames.gate(l))),
          experts(checkpoint, kernels, l, n, "w1"),
          experts(checkpoint, kernels, l, n, "w3"),
          experts(checkpoint, kernels, l, n, "w2"));
    }
    String gate = TensorNames.feedForward(l, "gate_proj");
    String up = TensorNames.feedForward(l, "up_proj");
    String down = TensorNames.feedForward(l, "down_proj");
    boolean bias = spec.feedForwardBias();
    return new LayerWeights.Dense(
        kernels.matrix(checkpoint.weight(gate + ".weight")),
        kernels.matrix(checkpoint.weight(up + ".weight")),
        kernels.matrix(checkpoint.weight(down + ".weight")),
        optional(checkpoint, bias, gate + ".bias"),
        optional(checkpoint, bias, up + ".bias"),
        optional(checkpoint, bias, down + ".bias"));
  }

  private static Matrix[] experts(
      Checkpoint checkpoint, Kernels kernels, int l, int n, String which) {
    Matrix[] experts = new Matrix[n];
    for (int e = 0; e < n; e++) {
      experts[e] = kernels.matrix(checkpoint.weight(TensorNames.expert(l, e, which)));
    }
    return experts;
  }

  private static float[] vector(Checkpoint checkpoint, String name) {
    return checkpoint.tensor(name).toFloats();
  }

  private static float[] optional(Checkpoint checkpoint, boolean present, String name) {
    return present ? vector(checkpoint, name) : NONE;
  }

  /** Bytes of weights that decoding one token reads: of the experts only the k it is sent to. */
  long bytesPerToken() {
    long bytes = bytes(head) + embedding.bytesPerRow();
    for (LayerWeights layer : layers) {
      bytes += bytes(layer.q()) + bytes(layer.k()) + bytes(layer.v()) + bytes(layer.o());
      bytes +=
          switch (layer.feedForward()) {
            case LayerWeights.Dense dense ->
                bytes(dense.gate()) + bytes(dense.up()) + bytes(dense.down());
            case LayerWeights.Routed routed ->
                bytes(routed.router())
                    + spec.moe().orElseThrow().topK()
                        * (bytes(routed.w1()[0]) + bytes(routed.w3()[0]) + bytes(routed.w2()[0]));
          };
    }
    return bytes;
  }

  /** Multiplications and additions of weights for one token of a prompt, without the head. */
  long flopsPerToken() {
    long products = 0;
    for (LayerWeights layer : layers) {
      products +=
          elements(layer.q()) + elements(layer.k()) + elements(layer.v()) + elements(layer.o());
      products +=
          switch (layer.feedForward()) {
            case LayerWeights.Dense dense ->
                elements(dense.gate()) + elements(dense.up()) + elements(dense.down());
            case LayerWeights.Routed routed ->
                elements(routed.router())
                    + spec.moe().orElseThrow().topK()
                        * (elements(routed.w1()[0])
                            + elements(routed.w3()[0])
                            + elements(routed.w2()[0]));
          };
    }
    return 2 * products;
  }

  private static long bytes(Matrix matrix) {
    return matrix.rows() * matrix.bytesPerRow();
  }

  private static long elements(Matrix matrix) {
    return (long) matrix.rows() * matrix.columns();
  }
}
