package dev.graft.checkpoint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.io.InputStream;
import java.util.Optional;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

class ConfigReaderTest {
  @Test
  void llama() {
    ModelSpec spec = read("{}");
    assertEquals(Family.LLAMA, spec.family());
    assertEquals(6, spec.headDim());
    assertEquals(new RopeSpec(5000, new RopeScaling.None()), spec.rope());
    assertEquals(Optional.empty(), spec.moe());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "MixtralForCausalLM | {'num_local_experts': 8, 'num_experts_per_tok': 2}                                 | 8 2 SOFTMAX 1.0",
        "SkyworkForCausalLM | {'num_experts': [16], 'moe_use_logits_norm': true, 'moe_gate_norm_std': 2, 'moe_feature_no_mul_topk': true} | 16 2 NORMALIZED 2.0",
        "SkyworkForCausalLM | {'num_local_experts': 4, 'num_experts_per_tok': 1, 'moe_use_mixtral_gating': true} | 4 1 SOFTMAX 1.0",
        "SkyworkForCausalLM | {'num_experts': 4, 'moe_use_logits_norm': true, 'moe_use_mixtral_gating': true}    | 4 2 NORMALIZED 1.0",
      })
  void experts(String architecture, String keys, String expected) {
    MoeSpec moe = read(merged(architecture, keys)).moe().orElseThrow();
    assertEquals(
        expected,
        moe.numExperts() + " " + moe.topK() + " " + moe.gating() + " " + moe.gateNormStd());
  }

  @Test
  void denseFamilies() {
    assertEquals(
        Optional.empty(), read(merged("SkyworkForCausalLM", "{'num_experts': [1]}")).moe());
    assertEquals(
        OptionalInt.of(7),
        read(merged("MistralForCausalLM", "{'sliding_window': 7}")).slidingWindow());
    ModelSpec qwen2 =
        read(merged("Qwen2ForCausalLM", "{'sliding_window': 7, 'use_sliding_window': false}"));
    assertTrue(qwen2.queryKeyValueBias() && !qwen2.outputBias());
    assertEquals(OptionalInt.empty(), qwen2.slidingWindow());
    assertTrue(read(merged("Qwen3ForCausalLM", "{}")).queryKeyNorm());
  }

  /** transformers is the judge of rope. */
  @Test
  void ropeAsTransformersHasIt() throws IOException {
    JsonNode golden;
    try (InputStream in = ConfigReaderTest.class.getResourceAsStream("/golden/rope.json")) {
      golden = JsonMapper.shared().readTree(in);
    }
    for (JsonNode row : golden.get("cases")) {
      ObjectNode config = Models.json(Models.LLAMA);
      config.remove("rope_theta");
      config.set("rope_parameters", row.get("rope_parameters"));
      config.set("max_position_embeddings", golden.get("max_position_embeddings"));
      check(row, ConfigReader.read("config.json", config).rope());
      // The older spelling of the same.
      ObjectNode older = Models.json(Models.LLAMA);
      ObjectNode scaling = (ObjectNode) row.get("rope_parameters").deepCopy();
      older.set("rope_theta", scaling.remove("rope_theta"));
      if (scaling.has("rope_type")) {
        scaling.set("type", scaling.remove("rope_type"));
        older.set("rope_scaling", scaling);
      }
      older.set("max_position_embeddings", golden.get("max_position_embeddings"));
      check(row, ConfigReader.read("config.json", older).rope());
    }
  }

  private static void check(JsonNode row, RopeSpec rope) {
    double[] ours = rope.inverseFrequencies(row.get("inv_freq").size() * 2);
    for (int i = 0; i < ours.length; i++) {
      double theirs = row.get("inv_freq").get(i).asDouble();
      assertEquals(theirs, ours[i], theirs * 1e-5, row.get("rope_parameters") + " pair " + i);
    }
    assertEquals(row.get("attention_factor").asDouble(), rope.attentionFactor(), 1e-6);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{'architectures': ['GPT2LMHeadModel']}        | architectures is 'GPT2LMHeadModel', which Graft does not compute",
        "{'hidden_act': 'gelu'}                        | hidden_act is 'gelu'; only silu",
        "{'hidden_size': null}                         | hidden_size is missing",
        "{'hidden_size': 'wide'}                       | hidden_size is \"wide\"",
        "{'vocab_size': 0}                             | vocab_size is 0",
        "{'num_key_value_heads': 3}                    | num_key_value_heads is 3, which does not divide",
        "{'head_dim': 5}                               | head_dim is 5; rotary embedding needs an even one",
        "{'rope_scaling': {'rope_type': 'dynamic', 'factor': 2}} | rope_scaling has the type 'dynamic'",
        "{'rope_scaling': {'rope_type': 'linear'}}     | rope_scaling.factor is missing",
        "{'partial_rotary_factor': 0.5}                | partial_rotary_factor is 0.5",
        "{'final_logit_softcapping': 30.0}             | final_logit_softcapping is 30.0",
        "{'alibi': true}                               | alibi is true",
        "{'num_experts': 4}                            | num_experts is 4, but LlamaForCausalLM has no experts",
        "{'moe_layers': [1]}                           | moe_layers is [1], an expert option",
        "{'quantization_config': {'quant_method': 'gptq'}} | quant_method 'gptq'",
        "{'architectures': ['MixtralForCausalLM'], 'num_local_experts': 2, 'num_experts_per_tok': 3} | num_experts_per_tok is 3, more than the 2 experts",
        "{'architectures': ['MixtralForCausalLM']}     | num_local_experts is missing",
        "{'architectures': ['SkyworkForCausalLM'], 'num_experts': [4]} | moe_feature_no_mul_topk is absent without moe_use_mixtral_gating",
        "{'architectures': ['SkyworkForCausalLM'], 'num_experts': [4], 'moe_feature_no_mul_topk': false} | moe_feature_no_mul_topk is false",
        "{'architectures': ['SkyworkForCausalLM'], 'num_experts': [4], 'moe_2layer_gate': true} | moe_2layer_gate is true",
        "{'architectures': ['SkyworkForCausalLM'], 'num_experts': [4], 'moe_expert_interval': 2} | moe_expert_interval is 2",
        "{'architectures': ['SkyworkForCausalLM'], 'num_experts': [4, 8]} | layers with different numbers of experts",
        "{'architectures': ['Qwen2ForCausalLM'], 'use_sliding_window': true, 'sliding_window': 4, 'max_window_layers': 1} | max_window_layers",
      })
  void whatIsNotComputedIsRefusedByName(String keys, String expected) {
    InvalidInputException refused = assertThrows(InvalidInputException.class, () -> read(keys));
    assertTrue(refused.getMessage().contains(expected), refused.getMessage());
  }

  private static ModelSpec read(String keys) {
    ObjectNode config = Models.json(Models.LLAMA);
    config.setAll(Models.json(keys.replace('\'', '"')));
    return ConfigReader.read("config.json", config);
  }

  private static String merged(String architecture, String keys) {
    ObjectNode config = Models.json(keys.replace('\'', '"'));
    config.putArray("architectures").add(architecture);
    return JsonMapper.shared().writeValueAsString(config);
  }
}
