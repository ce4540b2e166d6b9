package dev.graft.upcycle;

import dev.graft.checkpoint.Checkpoint;
import dev.graft.checkpoint.ConfigReader;
import dev.graft.checkpoint.DType;
import dev.graft.checkpoint.Family;
import dev.graft.checkpoint.Gating;
import dev.graft.checkpoint.InvalidInputException;
import dev.graft.checkpoint.ModelSpec;
import dev.graft.checkpoint.MoeSpec;
import java.nio.file.Files;
import java.util.Optional;
import tools.jackson.databind.node.ObjectNode;

/**
 * The {@code config.json} of an upcycled model: every key of the source, those of experts, and no
 * silent defaults.
 */
final class MoeConfig {
  private MoeConfig() {}

  /** Refuses what has experts already or cannot be copied. */
  static void requireDense(Checkpoint checkpoint) {
    if (Files.isRegularFile(checkpoint.directory())) {
      throw new InvalidInputException(
          checkpoint.directory()
              + ": this is a GGUF file; upcycle the Hugging Face directory that it was made from");
    }
    if (checkpoint.spec().moe().isPresent()) {
      throw new InvalidInputException(
          checkpoint.directory()
              + "/config.json: the model has experts already; upcycle takes a dense one");
    }
    if (checkpoint.names().stream()
        .map(n -> checkpoint.tensor(n).dtype())
        .anyMatch(dtype -> dtype == DType.F8_E4M3 || dtype == DType.I8 || dtype.inBlocks())) {
      throw new InvalidInputException(
          checkpoint.directory()
              + ": the weights are quantised; upcycle the model they were quantised from");
    }
    if (checkpoint.spec().feedForwardBias()) {
      throw new InvalidInputException(
          checkpoint.directory()
              + "/config.json: mlp_bias is true, and experts have no biases; such a model cannot be upcycled");
    }
  }

  static ObjectNode of(Checkpoint trunk, UpcycleOptions options) {
    ModelSpec spec = trunk.spec();
    ObjectNode config = trunk.config();
    boolean mixtral = options.gating() == Gating.SOFTMAX;
    Family family = mixtral ? Family.MIXTRAL : Family.SKYWORK_MOE;
    config.remove("auto_map");
    config.putArray("architectures").add(family.architecture());
    config.put("model_type", family.modelType());
    explicit(config, spec);
    if (mixtral) {
      requireMixtral(trunk, spec);
      config.put("num_local_experts", options.numExperts());
      config.put("num_experts_per_tok", options.topK());
      config.put("output_router_logits", false);
      config.put("router_aux_loss_coef", 0.01);
    } else {
      config.putArray("num_experts").add(options.numExperts());
      config.put("num_experts_per_tok", options.topK());
      config.put("moe_expert_interval", 1);
      config.put("moe_use_mixtral_gating", false);
      config.put("moe_2layer_gate", false);
      config.put("moe_use_logits_norm", true);
      config.put("moe_gate_norm_std", options.gateNormStd());
      config.put("moe_feature_no_mul_topk", true);
      config.put("qkv_bias", spec.queryKeyValueBias());
      config.put("attention_bias", spec.outputBias());
      config.put("use_qk_norm", spec.queryKeyNorm());
    }
    requireSame(trunk, config, options);
    return config;
  }

  /** Defaults differ between families, so nothing that the forward depends on is left to them. */
  private static void explicit(ObjectNode config, ModelSpec spec) {
    config.put("num_key_value_heads", spec.numKeyValueHeads());
    config.put("head_dim", spec.headDim());
    config.put("rms_norm_eps", spec.rmsNormEps());
    config.put("max_position_embeddings", spec.maxPositionEmbeddings());
    config.put("tie_word_embeddings", spec.tieWordEmbeddings());
    config.put("hidden_act", "silu");
    config.put("initializer_range", spec.initializerRange());
    if (spec.slidingWindow().isPresent()) {
      config.put("sliding_window", spec.slidingWindow().getAsInt());
    } else {
      config.putNull("sliding_window");
    }
    config.remove("use_sliding_window");
    config.remove("max_window_layers");
    config.remove("layer_types");
    if (!config.path("rope_parameters").isObject()) {
      config.put("rope_theta", spec.rope().theta());
    }
  }

  private static void requireMixtral(Checkpoint trunk, ModelSpec spec) {
    String lacking =
        spec.queryKeyValueBias() || spec.outputBias()
            ? "attention biases"
            : spec.queryKeyNorm() ? "q_norm and k_norm" : "";
    if (!lacking.isEmpty()) {
      throw new InvalidInputException(
          trunk.directory()
              + "/config.json: the model has "
              + lacking
              + ", which the Mixtral form cannot say; use --gating normalized");
    }
  }

  /** What is written must read back as the same trunk. */
  private static void requireSame(Checkpoint trunk, ObjectNode config, UpcycleOptions options) {
    ModelSpec s = trunk.spec();
    MoeSpec moe =
        new MoeSpec(
            options.numExperts(),
            options.topK(),
            options.gating(),
            options.gating() == Gating.SOFTMAX ? 1 : options.gateNormStd());
    ModelSpec read = ConfigReader.read("config.json of the result", config);
    ModelSpec expected =
        new ModelSpec(
            read.family(),
            s.vocabSize(),
            s.hiddenSize(),
            s.intermediateSize(),
            s.numHiddenLayers(),
            s.numAttentionHeads(),
            s.numKeyValueHeads(),
            s.headDim(),
            s.rmsNormEps(),
            s.rope(),
            s.maxPositionEmbeddings(),
            s.tieWordEmbeddings(),
            s.queryKeyValueBias(),
            s.outputBias(),
            s.feedForwardBias(),
            s.queryKeyNorm(),
            s.slidingWindow(),
            s.initializerRange(),
            Optional.of(moe));
    if (!read.equals(expected)) {
      throw new InvalidInputException(
          trunk.directory()
              + "/config.json: the model cannot be written as "
              + read.family().architecture()
              + ": "
              + read
              + " is not "
              + expected);
    }
  }
}
