package dev.graft.checkpoint;

import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The tensors a model of a given shape has, by their Hugging Face names. */
public final class TensorNames {
  private TensorNames() {}

  /** Name to shape, in the order of the layers. */
  public static Map<String, List<Long>> of(ModelSpec spec) {
    Map<String, List<Long>> names = new LinkedHashMap<>();
    long hidden = spec.hiddenSize();
    long ffn = spec.intermediateSize();
    long q = (long) spec.numAttentionHeads() * spec.headDim();
    long kv = (long) spec.numKeyValueHeads() * spec.headDim();
    names.put("model.embed_tokens.weight", List.of((long) spec.vocabSize(), hidden));
    for (int l = 0; l < spec.numHiddenLayers(); l++) {
      String layer = "model.layers." + l + ".";
      String attention = layer + "self_attn.";
      names.put(layer + "input_layernorm.weight", List.of(hidden));
      names.put(attention + "q_proj.weight", List.of(q, hidden));
      names.put(attention + "k_proj.weight", List.of(kv, hidden));
      names.put(attention + "v_proj.weight", List.of(kv, hidden));
      names.put(attention + "o_proj.weight", List.of(hidden, q));
      if (spec.queryKeyValueBias()) {
        names.put(attention + "q_proj.bias", List.of(q));
        names.put(attention + "k_proj.bias", List.of(kv));
        names.put(attention + "v_proj.bias", List.of(kv));
      }
      if (spec.outputBias()) {
        names.put(attention + "o_proj.bias", List.of(hidden));
      }
      if (spec.queryKeyNorm()) {
        names.put(attention + "q_norm.weight", List.of((long) spec.headDim()));
        names.put(attention + "k_norm.weight", List.of((long) spec.headDim()));
      }
      names.put(layer + "post_attention_layernorm.weight", List.of(hidden));
      if (spec.moe().isPresent()) {
        int experts = spec.moe().get().numExperts();
        names.put(gate(l), List.of((long) experts, hidden));
        for (int e = 0; e < experts; e++) {
          names.put(expert(l, e, "w1"), List.of(ffn, hidden));
          names.put(expert(l, e, "w2"), List.of(hidden, ffn));
          names.put(expert(l, e, "w3"), List.of(ffn, hidden));
        }
      } else {
        names.put(feedForward(l, "gate_proj") + ".weight", List.of(ffn, hidden));
        names.put(feedForward(l, "up_proj") + ".weight", List.of(ffn, hidden));
        names.put(feedForward(l, "down_proj") + ".weight", List.of(hidden, ffn));
        if (spec.feedForwardBias()) {
          names.put(feedForward(l, "gate_proj") + ".bias", List.of(ffn));
          names.put(feedForward(l, "up_proj") + ".bias", List.of(ffn));
          names.put(feedForward(l, "down_proj") + ".bias", List.of(hidden));
        }
      }
    }
    names.put("model.norm.weight", List.of(hidden));
    if (!spec.tieWordEmbeddings()) {
      names.put("lm_head.weight", List.of((long) spec.vocabSize(), hidden));
    }
    return names;
  }

  /** The router's weight of a layer. */
  public static String gate(int layer) {
    return "model.layers." + layer + ".block_sparse_moe.gate.weight";
  }

  /**
   * A weight of an expert.
   *
   * @param which w1 (gate), w3 (up) or w2 (down)
   */
  public static String expert(int layer, int expert, String which) {
    return "model.layers."
        + layer
        + ".block_sparse_moe.experts."
        + expert
        + "."
        + which
        + ".weight";
  }

  /**
   * A dense projection, without its suffix.
   *
   * @param which gate_proj, up_proj or down_proj
   */
  public static String feedForward(int layer, String which) {
    return "model.layers." + layer + ".mlp." + which;
  }

  static void check(
      Path directory, ModelSpec spec, Map<String, StoredTensor> tensors, Dequantizer quantized) {
    of(spec)
        .forEach((name, shape) -> {
          StoredTensor tensor = tensors.get(name);
          if (tensor == null) {
            throw new InvalidInputException(
                directory
                    + ": tensor "
                    + name
                    + " is missing, which config.json calls for; fetch the checkpoint again");
          }
          if (!tensor.shape().equals(shape)) {
            throw new InvalidInputException(
                tensor.file()
                    + ": tensor "
                    + name
                    + " has the shape "
                    + tensor.shape()
                    + " but config.json calls for "
                    + shape);
          }
          quantized.check(tensor);
        });
  }
}
