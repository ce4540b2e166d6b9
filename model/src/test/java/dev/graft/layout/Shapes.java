package dev.graft.layout;

import dev.graft.checkpoint.ConfigReader;
import dev.graft.checkpoint.ModelSpec;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** Shapes of models for tests. */
final class Shapes {
  private Shapes() {}

  static final String SKYWORK_MOE =
      """
      {"architectures": ["SkyworkForCausalLM"], "vocab_size": 65536, "hidden_size": 4608,
       "intermediate_size": 12288, "num_hidden_layers": 52, "num_attention_heads": 36,
       "num_key_value_heads": 36, "num_experts": [16], "num_experts_per_tok": 2,
       "moe_use_logits_norm": true, "moe_gate_norm_std": 1.0, "moe_feature_no_mul_topk": true,
       "max_position_embeddings": 8192}
      """;

  static final String GROUPED =
      """
      {"architectures": ["LlamaForCausalLM"], "vocab_size": 49152, "hidden_size": 576,
       "intermediate_size": 1536, "num_hidden_layers": 2, "num_attention_heads": 9,
       "num_key_value_heads": 3, "attention_bias": true, "mlp_bias": true,
       "tie_word_embeddings": true}
      """;

  static ModelSpec spec(String config) {
    return ConfigReader.read("config.json", (ObjectNode) JsonMapper.shared().readTree(config));
  }
}
