package dev.graft.checkpoint;

import dev.graft.gguf.GgufFile;
import dev.graft.gguf.GgufFormatException;
import dev.graft.gguf.GgufMetadata;
import dev.graft.gguf.GgufTensor;
import dev.graft.gguf.GgufValue;
import java.util.LinkedHashMap;
import java.util.Map;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** A model's shape as GGUF metadata, by the keys of llama.cpp, to {@code config.json} and back. */
public final class GgufConfig {
  private static final String ARCHITECTURE = "general.architecture";

  private final GgufFile file;
  private final GgufMetadata metadata;
  private final GgufArchitecture architecture;

  private GgufConfig(GgufFile file) {
    this.file = file;
    this.metadata = file.metadata();
    this.architecture = architecture(file);
  }

  static GgufArchitecture architecture(GgufFile file) {
    String key = file.metadata().require(ARCHITECTURE, file.metadata()::text);
    return GgufArchitecture.ofKey(key)
        .orElseThrow(() ->
            new InvalidInputException(
                file.path()
                    + ": "
                    + ARCHITECTURE
                    + " is '"
                    + key
                    + "', which Graft does not compute; it computes llama, qwen2 and qwen3"));
  }

  /** The {@code config.json} that says the same. */
  static ObjectNode read(GgufFile file) {
    return new GgufConfig(file).config();
  }

  private ObjectNode config() {
    long parts = metadata.whole("split.count").orElse(1L);
    if (parts > 1) {
      throw new InvalidInputException(
          file.path()
              + ": this is one of "
              + parts
              + " parts (split.count); join them with llama-gguf-split --merge");
    }
    int experts = optional("expert_count", 0);
    Family family =
        switch (architecture) {
          case LLAMA -> experts > 0 ? Family.MIXTRAL : Family.LLAMA;
          case QWEN2 -> Family.QWEN2;
          case QWEN3 -> Family.QWEN3;
        };
    ObjectNode config = JsonMapper.shared().createObjectNode();
    config.putArray("architectures").add(family.architecture());
    config.put("model_type", family.modelType());
    config.put("vocab_size", vocabSize());
    int hidden = required("embedding_length");
    int heads = required("attention.head_count");
    config.put("hidden_size", hidden);
    config.put("intermediate_size", required("feed_forward_length"));
    config.put("num_hidden_layers", layers());
    config.put("num_attention_heads", heads);
    config.put("num_key_value_heads", optional("attention.head_count_kv", heads));
    int headDim = optional("attention.key_length", hidden / Math.max(1, heads));
    config.put("head_dim", headDim);
    requireSame("attention.value_length", headDim);
    requireSame("rope.dimension_count", headDim);
    config.put("max_position_embeddings", required("context_length"));
    config.put(
        "rms_norm_eps", metadata.require(key("attention.layer_norm_rms_epsilon"), metadata::real));
    config.put("hidden_act", "silu");
    config.put("rope_theta", metadata.real(key("rope.freq_base")).orElse(10000.0));
    rope(config, headDim);
    config.put("tie_word_embeddings", !file.tensors().containsKey("output.weight"));
    config.put("attention_bias", file.tensors().containsKey("blk.0.attn_output.bias"));
    config.put("mlp_bias", file.tensors().containsKey("blk.0.ffn_down.bias"));
    if (experts > 0) {
      requireExperts(experts);
      config.put("num_local_experts", experts);
      config.put("num_experts_per_tok", required("expert_used_count"));
    }
    refuseForeign();
    metadata
        .whole("tokenizer.ggml.bos_token_id")
        .ifPresent(id -> config.put("bos_token_id", id.intValue()));
    metadata
        .whole("tokenizer.ggml.eos_token_id")
        .ifPresent(id -> config.put("eos_token_id", id.intValue()));
    return config;
  }

  private int vocabSize() {
    GgufTensor embedding = file.tensors().get("token_embd.weight");
    if (embedding == null) {
      throw new GgufFormatException(
          file.path() + ": tensor token_embd.weight is missing; fetch or export the file again");
    }
    return narrow("vocab_size", embedding.shape().getFirst());
  }

  /** No more than there are tensors, so that a damaged count is not believed for long. */
  private int layers() {
    int layers = required("block_count");
    if (layers > file.tensors().size()) {
      throw new GgufFormatException(
          file.path()
              + ": "
              + key("block_count")
              + " is "
              + layers
              + ", but there are "
              + file.tensors().size()
              + " tensors; fetch or export the file again");
    }
    return layers;
  }

  private void requireExperts(int experts) {
    GgufTensor stack = file.tensors().get("blk.0.ffn_gate_exps.weight");
    if (stack == null || stack.shape().getFirst() != experts) {
      throw new GgufFormatException(
          file.path()
              + ": "
              + key("expert_count")
              + " is "
              + experts
              + ", but tensor blk.0.ffn_gate_exps.weight "
              + (stack == null ? "is missing" : "has the shape " + stack.shape())
              + "; fetch or export the file again");
    }
  }

  private void rope(ObjectNode config, int headDim) {
    String type = metadata.text(key("rope.scaling.type")).orElse("none");
    GgufTensor factors = file.tensors().get(GgufPlace.ROPE_FREQS);
    if (factors != null) {
      RopeFactors.read(file, factors, config.path("rope_theta").asDouble(), headDim)
          .ifPresent(llama3 -> {
            ObjectNode scaling = config.putObject("rope_scaling");
            scaling.put("rope_type", "llama3");
            scaling.put("factor", llama3.factor());
            scaling.put("low_freq_factor", llama3.lowFreqFactor());
            scaling.put("high_freq_factor", llama3.highFreqFactor());
            scaling.put("original_max_position_embeddings", llama3.originalMaxPositionEmbeddings());
          });
      return;
    }
    switch (type) {
      case "none" -> config.putNull("rope_scaling");
      case "linear" -> {
        ObjectNode scaling = config.putObject("rope_scaling");
        scaling.put("rope_type", "linear");
        scaling.put("factor", metadata.require(key("rope.scaling.factor"), metadata::real));
      }
      default ->
          throw new InvalidInputException(
              file.path()
                  + ": "
                  + key("rope.scaling.type")
                  + " is '"
                  + type
                  + "'; none, linear and Llama 3's factors are read");
    }
  }

  /** Keys that change the forward pass in a way that no family here computes. */
  private void refuseForeign() {
    for (String foreign :
        new String[] {
          "attention.sliding_window",
          "attention.scale",
          "expert_shared_count",
          "expert_weights_scale",
          "expert_feed_forward_length",
          "leading_dense_block_count",
          "attn_logit_softcapping",
          "final_logit_softcapping",
          "logit_scale",
          "residual_scale",
          "embedding_scale",
          "attention.clamp_kqv"
        }) {
      double value = metadata.real(key(foreign)).orElse(0.0);
      if (value != 0 && !(foreign.endsWith("scale") && value == 1)) {
        throw new InvalidInputException(
            file.path()
                + ": "
                + key(foreign)
                + " is "
                + value
                + ", which changes the forward pass in a way Graft does not compute");
      }
    }
  }

  private void requireSame(String name, int headDim) {
    int value = optional(name, headDim);
    if (value != headDim) {
      throw new InvalidInputException(
          file.path()
              + ": "
              + key(name)
              + " is "
              + value
              + " but heads are "
              + headDim
              + " wide, which Graft does not compute");
    }
  }

  private String key(String name) {
    return architecture.key() + "." + name;
  }

  private int required(String name) {
    return narrow(name, metadata.require(key(name), metadata::whole));
  }

  private int optional(String name, int otherwise) {
    return narrow(name, metadata.whole(key(name)).orElse((long) otherwise));
  }

  private int narrow(String name, long value) {
    if (value < 0 || value > Integer.MAX_VALUE) {
      throw new GgufFormatException(
          file.path() + ": " + key(name) + " is " + value + "; fetch or export the file again");
    }
    return (int) value;
  }

  /**
   * The metadata that says a model's shape, as llama.cpp's own converter writes it.
   *
   * @param name what {@code general.name} says
   */
  public static Map<String, GgufValue> metadata(
      String name, ModelSpec spec, GgufArchitecture architecture) {
    Map<String, GgufValue> metadata = new LinkedHashMap<>();
    String prefix = architecture.key() + ".";
    metadata.put(ARCHITECTURE, new GgufValue.Text(architecture.key()));
    metadata.put("general.type", new GgufValue.Text("model"));
    metadata.put("general.name", new GgufValue.Text(name));
    Map<String, Integer> sizes = new LinkedHashMap<>();
    sizes.put("block_count", spec.numHiddenLayers());
    sizes.put("context_length", spec.maxPositionEmbeddings());
    sizes.put("embedding_length", spec.hiddenSize());
    sizes.put("feed_forward_length", spec.intermediateSize());
    sizes.put("attention.head_count", spec.numAttentionHeads());
    sizes.put("attention.head_count_kv", spec.numKeyValueHeads());
    sizes.put("attention.key_length", spec.headDim());
    sizes.put("attention.value_length", spec.headDim());
    sizes.put("rope.dimension_count", spec.headDim());
    sizes.put("vocab_size", spec.vocabSize());
    spec.moe()
        .ifPresent(moe -> {
          sizes.put("expert_count", moe.numExperts());
          sizes.put("expert_used_count", moe.topK());
        });
    sizes.forEach((key, size) -> metadata.put(prefix + key, new GgufValue.Whole(size)));
    metadata.put(
        prefix + "attention.layer_norm_rms_epsilon", new GgufValue.Real(spec.rmsNormEps()));
    metadata.put(prefix + "rope.freq_base", new GgufValue.Real(spec.rope().theta()));
    if (spec.rope().scaling() instanceof RopeScaling.Linear(double factor)) {
      metadata.put(prefix + "rope.scaling.type", new GgufValue.Text("linear"));
      metadata.put(prefix + "rope.scaling.factor", new GgufValue.Real(factor));
    }
    return metadata;
  }
}
