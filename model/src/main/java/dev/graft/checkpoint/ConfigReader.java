package dev.graft.checkpoint;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * {@code config.json} to {@link ModelSpec}, in the spelling of transformers 4 and 5. A key that
 * changes the forward pass and that Graft does not compute is refused by name.
 */
public final class ConfigReader {
  /** Keys of other models' forward passes, each with the value that leaves the forward as it is. */
  private static final Map<String, Double> NEUTRAL =
      Map.ofEntries(
          Map.entry("partial_rotary_factor", 1.0),
          Map.entry("rotary_pct", 1.0),
          Map.entry("logit_scale", 1.0),
          Map.entry("logits_scaling", 1.0),
          Map.entry("embedding_multiplier", 1.0),
          Map.entry("residual_multiplier", 1.0),
          Map.entry("attention_multiplier", 1.0),
          Map.entry("scale_emb", 1.0),
          Map.entry("scale_depth", 1.0),
          Map.entry("moe_expert_interval", 1.0),
          Map.entry("decoder_sparse_step", 1.0),
          Map.entry("final_logit_softcapping", 0.0),
          Map.entry("attn_logit_softcapping", 0.0),
          Map.entry("query_pre_attn_scalar", 0.0),
          Map.entry("clip_qkv", 0.0),
          Map.entry("n_shared_experts", 0.0),
          Map.entry("num_shared_experts", 0.0),
          Map.entry("shared_expert_intermediate_size", 0.0),
          Map.entry("first_k_dense_replace", 0.0),
          Map.entry("attention_chunk_size", 0.0),
          Map.entry("kv_lora_rank", 0.0));

  /** Switches that must be off. */
  private static final Set<String> OFF =
      Set.of(
          "moe_2layer_gate",
          "use_qk_norm",
          "qk_layernorm",
          "alibi",
          "parallel_attn",
          "use_parallel_residual",
          "attention_sinks",
          "rope_interleaved",
          "use_mup",
          "moe_use_shared_expert");

  /** The keys of a Skywork-MoE config that are understood. */
  private static final Set<String> SKYWORK_KEYS =
      Set.of(
          "moe_expert_interval",
          "moe_use_mixtral_gating",
          "moe_2layer_gate",
          "moe_use_logits_norm",
          "moe_gate_norm_std",
          "moe_feature_no_mul_topk",
          "moe_use_shared_expert");

  private final String source;
  private final ObjectNode config;

  private ConfigReader(String source, ObjectNode config) {
    this.source = source;
    this.config = config;
  }

  /**
   * Reads a config.
   *
   * @param source names it in errors
   * @throws InvalidInputException if the architecture or a value is one that Graft does not compute
   */
  public static ModelSpec read(String source, ObjectNode config) {
    return new ConfigReader(source, config).spec();
  }

  private ModelSpec spec() {
    Family family = family();
    refuseForeign(family);
    int hidden = size("hidden_size");
    int heads = size("num_attention_heads");
    int kvHeads = has("num_key_value_heads") ? size("num_key_value_heads") : heads;
    if (heads % kvHeads != 0) {
      throw wrong(
          "num_key_value_heads",
          "is " + kvHeads + ", which does not divide num_attention_heads " + heads);
    }
    if (!has("head_dim") && hidden % heads != 0) {
      throw wrong(
          "hidden_size",
          "is "
              + hidden
              + ", which num_attention_heads "
              + heads
              + " does not divide; give head_dim");
    }
    int headDim = has("head_dim") ? size("head_dim") : hidden / heads;
    if (headDim % 2 != 0) {
      throw wrong("head_dim", "is " + headDim + "; rotary embedding needs an even one");
    }
    int positions = has("max_position_embeddings") ? size("max_position_embeddings") : 2048;
    boolean attentionBias = flag("attention_bias");
    return new ModelSpec(
        family,
        size("vocab_size"),
        hidden,
        size("intermediate_size"),
        size("num_hidden_layers"),
        heads,
        kvHeads,
        headDim,
        positive("rms_norm_eps", 1e-6),
        rope(positions),
        positions,
        flag("tie_word_embeddings"),
        family == Family.QWEN2
            || attentionBias
            || (family == Family.SKYWORK_MOE && flag("qkv_bias")),
        attentionBias && family != Family.QWEN2,
        flag("mlp_bias"),
        family == Family.QWEN3 || (family == Family.SKYWORK_MOE && flag("use_qk_norm")),
        slidingWindow(family),
        positive("initializer_range", 0.02),
        moe(family));
  }

  private Family family() {
    JsonNode architectures = config.path("architectures");
    String name = architectures.path(0).asString("");
    String type = config.path("model_type").asString("");
    for (Family family : Family.values()) {
      if (family.architecture().equals(name)
          || (name.isEmpty() && family.modelType().equals(type))) {
        return family;
      }
    }
    if (name.isEmpty() && type.isEmpty()) {
      throw wrong("architectures", "is missing; it is one of " + known());
    }
    throw wrong(
        "architectures",
        "is '"
            + (name.isEmpty() ? type : name)
            + "', which Graft does not compute; it computes "
            + known());
  }

  private static List<String> known() {
    return java.util.Arrays.stream(Family.values()).map(Family::architecture).toList();
  }

  private void refuseForeign(Family family) {
    String act = config.path("hidden_act").asString("silu");
    if (!act.equals("silu") && !act.equals("swish")) {
      throw wrong("hidden_act", "is '" + act + "'; only silu is computed");
    }
    for (Map.Entry<String, Double> entry : NEUTRAL.entrySet()) {
      JsonNode value = config.path(entry.getKey());
      if (present(value)
          && !(value.isNumber() && value.asDouble() == entry.getValue())
          && !value.equals(config.booleanNode(false))) {
        throw wrong(
            entry.getKey(),
            "is " + value + ", which changes the forward pass in a way Graft does not compute");
      }
    }
    for (String key : OFF) {
      boolean ours = family == Family.SKYWORK_MOE && key.equals("use_qk_norm");
      if (config.path(key).asBoolean(false) && !ours) {
        throw wrong(key, "is true, which changes the forward pass in a way Graft does not compute");
      }
    }
    for (String key : config.propertyNames()) {
      boolean understood = family == Family.SKYWORK_MOE && SKYWORK_KEYS.contains(key);
      JsonNode value = config.get(key);
      boolean inert =
          !present(value) || value.equals(config.booleanNode(false)) || NEUTRAL.containsKey(key);
      if (key.startsWith("moe_") && !understood && !inert) {
        throw wrong(key, "is " + value + ", an expert option that Graft does not know");
      }
    }
    JsonNode quantization = config.path("quantization_config");
    if (present(quantization)) {
      String method = quantization.path("quant_method").asString("");
      if (!QuantizationConfig.READ.contains(method)) {
        throw wrong(
            "quantization_config",
            "has quant_method '"
                + method
                + "'; read are "
                + String.join(", ", QuantizationConfig.READ));
      }
      JsonNode format = quantization.path("format");
      if (method.equals(QuantizationConfig.COMPRESSED_TENSORS)
          && !format.asString("").equals(QuantizationConfig.FLOAT_QUANTIZED)) {
        throw wrong(
            "quantization_config",
            "has format '"
                + format.asString("")
                + "'; of compressed-tensors "
                + QuantizationConfig.FLOAT_QUANTIZED
                + " is read");
      }
    }
  }

  private Optional<MoeSpec> moe(Family family) {
    boolean mixtral = family == Family.MIXTRAL;
    int experts = experts();
    if (!mixtral && family != Family.SKYWORK_MOE) {
      if (experts > 1) {
        throw wrong(
            "num_experts", "is " + experts + ", but " + family.architecture() + " has no experts");
      }
      return Optional.empty();
    }
    if (experts <= 1 && !mixtral) {
      return Optional.empty();
    }
    if (experts < 1) {
      throw wrong("num_local_experts", "is missing; it is the number of experts per layer");
    }
    int topK = has("num_experts_per_tok") ? size("num_experts_per_tok") : 2;
    if (topK > experts) {
      throw wrong(
          "num_experts_per_tok",
          "is " + topK + ", more than the " + experts + " experts there are");
    }
    if (mixtral) {
      return Optional.of(new MoeSpec(experts, topK, Gating.SOFTMAX, 1));
    }
    if (!flag("moe_feature_no_mul_topk") && !flag("moe_use_mixtral_gating")) {
      throw wrong(
          "moe_feature_no_mul_topk",
          "is "
              + (has("moe_feature_no_mul_topk") ? "false" : "absent")
              + " without moe_use_mixtral_gating: such a model multiplies each expert's input by top-k, which Graft does not compute; set it to true if the model does not");
    }
    return Optional.of(
        flag("moe_use_logits_norm")
            ? new MoeSpec(experts, topK, Gating.NORMALIZED, positive("moe_gate_norm_std", 1))
            : new MoeSpec(experts, topK, Gating.SOFTMAX, 1));
  }

  /**
   * {@code num_local_experts}, or {@code num_experts} as a number or a list of one; 0 where there
   * is none.
   */
  private int experts() {
    if (has("num_local_experts")) {
      return size("num_local_experts");
    }
    JsonNode value = config.path("num_experts");
    if (!present(value)) {
      return 0;
    }
    JsonNode number = value.isArray() ? value.path(0) : value;
    for (JsonNode entry : value) {
      if (!entry.equals(number)) {
        throw wrong(
            "num_experts",
            "is " + value + "; layers with different numbers of experts are not computed");
      }
    }
    if (!number.isInt() || number.intValue() < 0) {
      throw wrong("num_experts", "is " + value + "; it must be a whole number or a list of one");
    }
    return number.intValue();
  }

  private OptionalInt slidingWindow(Family family) {
    if (!has("sliding_window") || family == Family.LLAMA) {
      return OptionalInt.empty();
    }
    boolean qwen = family == Family.QWEN2 || family == Family.QWEN3;
    if (qwen && !flag("use_sliding_window")) {
      return OptionalInt.empty();
    }
    for (JsonNode type : config.path("layer_types")) {
      if (!type.equals(config.path("layer_types").path(0))) {
        throw wrong(
            "layer_types", "mixes sliding and full attention, which Graft does not compute");
      }
    }
    if (qwen && has("max_window_layers") && config.get("max_window_layers").asInt(0) > 0) {
      throw wrong(
          "max_window_layers",
          "with use_sliding_window mixes sliding and full attention, which Graft does not compute");
    }
    if (config.path("layer_types").path(0).asString("sliding_attention").equals("full_attention")) {
      return OptionalInt.empty();
    }
    return OptionalInt.of(size("sliding_window"));
  }

  private RopeSpec rope(int positions) {
    JsonNode parameters = config.path("rope_parameters");
    JsonNode scaling = present(parameters) ? parameters : config.path("rope_scaling");
    double theta = 10000;
    if (present(parameters.path("rope_theta"))) {
      theta = number("rope_parameters.rope_theta", parameters.path("rope_theta"));
    } else if (has("rope_theta")) {
      theta = number("rope_theta", config.path("rope_theta"));
    }
    if (present(scaling.path("partial_rotary_factor"))
        && scaling.path("partial_rotary_factor").asDouble(0) != 1) {
      throw wrong("rope_parameters", "has a partial_rotary_factor, which Graft does not compute");
    }
    return new RopeSpec(theta, scaling(scaling, positions));
  }

  private RopeScaling scaling(JsonNode node, int positions) {
    if (!present(node)) {
      return new RopeScaling.None();
    }
    String type = node.path("rope_type").asString(node.path("type").asString("default"));
    return switch (type) {
      case "default" -> new RopeScaling.None();
      case "linear" -> new RopeScaling.Linear(rope(node, "factor"));
      case "llama3" ->
          new RopeScaling.Llama3(
              rope(node, "factor"),
              rope(node, "low_freq_factor"),
              rope(node, "high_freq_factor"),
              (int) rope(node, "original_max_position_embeddings"));
      case "yarn" -> yarn(node, positions);
      default ->
          throw wrong(
              "rope_scaling", "has the type '" + type + "'; linear, llama3 and yarn are computed");
    };
  }

  private RopeScaling yarn(JsonNode node, int positions) {
    boolean original = present(node.path("original_max_position_embeddings"));
    int context = original ? node.path("original_max_position_embeddings").asInt() : positions;
    double factor =
        present(node.path("factor")) ? rope(node, "factor") : (double) positions / context;
    double attention;
    if (present(node.path("attention_factor"))) {
      attention = rope(node, "attention_factor");
    } else if (node.path("mscale").asDouble(0) != 0
        && node.path("mscale_all_dim").asDouble(0) != 0) {
      attention =
          mscale(factor, rope(node, "mscale")) / mscale(factor, rope(node, "mscale_all_dim"));
    } else {
      attention = mscale(factor, 1);
    }
    double fast = node.path("beta_fast").asDouble(0) == 0 ? 32 : rope(node, "beta_fast");
    double slow = node.path("beta_slow").asDouble(0) == 0 ? 1 : rope(node, "beta_slow");
    return new RopeScaling.Yarn(
        factor, fast, slow, attention, context, node.path("truncate").asBoolean(true));
  }

  private static double mscale(double factor, double mscale) {
    return factor <= 1 ? 1 : 0.1 * mscale * Math.log(factor) + 1;
  }

  private double rope(JsonNode node, String key) {
    return number("rope_scaling." + key, node.path(key));
  }

  private double number(String key, JsonNode value) {
    if (!value.isNumber() || !(value.asDouble() > 0)) {
      throw wrong(
          key, present(value) ? "is " + value + "; it must be a number above 0" : "is missing");
    }
    return value.asDouble();
  }

  private static boolean present(JsonNode node) {
    return !node.isMissingNode() && !node.isNull();
  }

  private boolean has(String key) {
    return present(config.path(key));
  }

  private boolean flag(String key) {
    JsonNode value = config.path(key);
    if (present(value) && !value.isBoolean()) {
      throw wrong(key, "is " + value + "; it is true or false");
    }
    return value.asBoolean(false);
  }

  private int size(String key) {
    JsonNode value = config.path(key);
    if (!present(value)) {
      throw wrong(key, "is missing");
    }
    if (!value.isInt() || value.intValue() < 1) {
      throw wrong(key, "is " + value + "; it must be a whole number of at least 1");
    }
    return value.intValue();
  }

  private double positive(String key, double otherwise) {
    return has(key) ? number(key, config.path(key)) : otherwise;
  }

  private InvalidInputException wrong(String key, String what) {
    return new InvalidInputException(source + ": " + key + " " + what);
  }
}
