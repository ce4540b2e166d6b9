package dev.graft.quantize;

import dev.graft.checkpoint.QuantizationConfig;
import dev.graft.checkpoint.Weight;
import java.util.List;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** The {@code quantization_config} by which others know what the codes mean. */
final class QuantizedConfig {
  private QuantizedConfig() {}

  /**
   * Adds it to a {@code config.json}.
   *
   * @param kept linear modules that are not quantised, by their names without {@code .weight}
   */
  static void put(ObjectNode config, Scheme scheme, List<String> kept) {
    ObjectNode quantization = config.putObject("quantization_config");
    switch (scheme) {
      case FP8_TENSOR -> {
        quantization.put("quant_method", QuantizationConfig.FP8);
        quantization.put("activation_scheme", "dynamic");
        // Said, since transformers takes blocks of 128 where the key is absent.
        quantization.putNull("weight_block_size");
        names(quantization.putArray("modules_to_not_convert"), kept);
      }
      case FP8_BLOCK -> {
        quantization.put("quant_method", QuantizationConfig.FP8);
        quantization.put("fmt", "e4m3");
        quantization.put("activation_scheme", "dynamic");
        quantization.putArray("weight_block_size").add(Scheme.BLOCK).add(Scheme.BLOCK);
        names(quantization.putArray("modules_to_not_convert"), kept);
      }
      case FP8_CHANNEL -> channel(quantization, kept);
      case Q8 -> {
        quantization.put("quant_method", QuantizationConfig.Q8);
        quantization.put("group_size", Weight.BLOCK);
        names(quantization.putArray("modules_to_not_convert"), kept);
      }
    }
  }

  /** The scheme {@code FP8_DYNAMIC} of compressed-tensors. */
  private static void channel(ObjectNode quantization, List<String> kept) {
    quantization.put("quant_method", QuantizationConfig.COMPRESSED_TENSORS);
    quantization.put("format", QuantizationConfig.FLOAT_QUANTIZED);
    quantization.put("quantization_status", "compressed");
    ObjectNode group = quantization.putObject("config_groups").putObject("group_0");
    group.putArray("targets").add("Linear");
    arguments(group.putObject("weights"), "channel", false);
    arguments(group.putObject("input_activations"), "token", true);
    group.putNull("output_activations");
    group.put("format", QuantizationConfig.FLOAT_QUANTIZED);
    names(quantization.putArray("ignore"), kept);
    quantization.putNull("kv_cache_scheme");
  }

  private static void arguments(ObjectNode of, String strategy, boolean dynamic) {
    of.put("num_bits", 8);
    of.put("type", "float");
    of.put("symmetric", true);
    of.put("strategy", strategy);
    of.put("dynamic", dynamic);
  }

  private static void names(ArrayNode array, List<String> names) {
    names.forEach(array::add);
  }
}
