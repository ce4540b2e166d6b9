package dev.graft.checkpoint;

import java.util.List;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/** The {@code quantization_config} of a {@code config.json}, as the checkpoint room reads it. */
public final class QuantizationConfig {
  /** FP8 with {@code weight_scale} or, in blocks, {@code weight_scale_inv}. */
  public static final String FP8 = "fp8";

  /** The compressed-tensors library's, in its float-quantized format. */
  public static final String COMPRESSED_TENSORS = "compressed-tensors";

  /** Its FP8 format. */
  public static final String FLOAT_QUANTIZED = "float-quantized";

  /** Graft's own: signed bytes in blocks of 32 columns with a float16 scale. */
  public static final String Q8 = "graft-q8";

  static final List<String> READ = List.of(FP8, COMPRESSED_TENSORS, Q8);

  /** Rows and columns of a block where {@code weight_block_size} does not say. */
  private static final int BLOCK = 128;

  private QuantizationConfig() {}

  /**
   * Rows and columns that share a scale where a weight's scales are a matrix.
   *
   * @param rows of a block
   * @param columns of a block
   * @param given whether the config says so
   */
  record Blocks(int rows, int columns, boolean given) {}

  /** {@code weight_block_size}, or the {@code block_structure} of compressed-tensors. */
  static Blocks blocks(ObjectNode config) {
    JsonNode quantization = config.path("quantization_config");
    String key = "weight_block_size";
    JsonNode size = quantization.path(key);
    for (JsonNode group : quantization.path("config_groups")) {
      JsonNode structure = group.path("weights").path("block_structure");
      if (structure.isArray()) {
        key = "block_structure";
        size = structure;
      }
    }
    if (!size.isArray()) {
      return new Blocks(BLOCK, BLOCK, false);
    }
    int rows = size.path(0).asInt(0);
    int columns = size.path(1).asInt(0);
    if (size.size() != 2 || rows < 1 || columns < 1) {
      throw new InvalidInputException(
          "config.json: quantization_config: "
              + key
              + " is "
              + size
              + "; it must be two sizes above 0");
    }
    return new Blocks(rows, columns, true);
  }
}
