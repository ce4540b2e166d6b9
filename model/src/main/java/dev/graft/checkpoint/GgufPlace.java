package dev.graft.checkpoint;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Where a GGUF file keeps a tensor of a Hugging Face name.
 *
 * @param name the tensor's name in the file
 * @param expert which slice of a stack of experts; empty for a tensor of its own
 * @param pairedHeads how many heads have their rows in pairs for llama.cpp's rotary embedding; 0
 *     for rows in Hugging Face's order
 */
public record GgufPlace(String name, OptionalInt expert, int pairedHeads) {
  /** The factors of Llama 3's rotary frequencies, which no Hugging Face checkpoint holds. */
  public static final String ROPE_FREQS = "rope_freqs.weight";

  private static final Pattern LAYER = Pattern.compile("model\\.layers\\.(\\d+)\\.(.+)");
  private static final Pattern EXPERT =
      Pattern.compile("block_sparse_moe\\.experts\\.(\\d+)\\.(w[123])\\.weight");

  private static final Map<String, String> OUTSIDE =
      Map.of(
          "model.embed_tokens.weight", "token_embd.weight",
          "model.norm.weight", "output_norm.weight",
          "lm_head.weight", "output.weight");

  private static final Map<String, String> INSIDE =
      Map.ofEntries(
          Map.entry("input_layernorm", "attn_norm"),
          Map.entry("self_attn.q_proj", "attn_q"),
          Map.entry("self_attn.k_proj", "attn_k"),
          Map.entry("self_attn.v_proj", "attn_v"),
          Map.entry("self_attn.o_proj", "attn_output"),
          Map.entry("self_attn.q_norm", "attn_q_norm"),
          Map.entry("self_attn.k_norm", "attn_k_norm"),
          Map.entry("post_attention_layernorm", "ffn_norm"),
          Map.entry("block_sparse_moe.gate", "ffn_gate_inp"),
          Map.entry("mlp.gate_proj", "ffn_gate"),
          Map.entry("mlp.up_proj", "ffn_up"),
          Map.entry("mlp.down_proj", "ffn_down"));

  private static final Map<String, String> STACKS =
      Map.of("w1", "ffn_gate_exps", "w2", "ffn_down_exps", "w3", "ffn_up_exps");

  /** Hugging Face name to place, for every tensor of a model. */
  public static Map<String, GgufPlace> of(ModelSpec spec, GgufArchitecture architecture) {
    Map<String, GgufPlace> places = new LinkedHashMap<>();
    for (String name : TensorNames.of(spec).keySet()) {
      places.put(name, place(name, spec, architecture));
    }
    return places;
  }

  private static GgufPlace place(String name, ModelSpec spec, GgufArchitecture architecture) {
    Matcher layer = LAYER.matcher(name);
    if (!layer.matches()) {
      return new GgufPlace(OUTSIDE.get(name), OptionalInt.empty(), 0);
    }
    String block = "blk." + layer.group(1) + ".";
    Matcher expert = EXPERT.matcher(layer.group(2));
    if (expert.matches()) {
      return new GgufPlace(
          block + STACKS.get(expert.group(2)) + ".weight",
          OptionalInt.of(Integer.parseInt(expert.group(1))),
          0);
    }
    int dot = layer.group(2).lastIndexOf('.');
    String within = INSIDE.get(layer.group(2).substring(0, dot));
    int heads =
        switch (within) {
          case "attn_q" -> spec.numAttentionHeads();
          case "attn_k" -> spec.numKeyValueHeads();
          default -> 0;
        };
    return new GgufPlace(
        block + within + layer.group(2).substring(dot),
        OptionalInt.empty(),
        architecture.paired() ? heads : 0);
  }

  /**
   * The row of the Hugging Face tensor that a row in the file is: row 2i + j of a head is its row j
   * · headDim / 2 + i.
   *
   * @param row of the tensor in the file
   * @param rows of the tensor
   */
  public int sourceRow(int row, int rows) {
    if (pairedHeads == 0) {
      return row;
    }
    int headDim = rows / pairedHeads;
    int within = row % headDim;
    return row - within + within % 2 * (headDim / 2) + within / 2;
  }

  /** The tensor's shape in the file, stack and all. */
  public List<Long> shape(List<Long> shape, ModelSpec spec) {
    return expert.isEmpty()
        ? shape
        : List.of((long) spec.moe().orElseThrow().numExperts(), shape.get(0), shape.get(1));
  }
}
