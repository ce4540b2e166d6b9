package dev.graft.checkpoint;

import java.util.Optional;

/** The architectures of llama.cpp whose forward is one of Graft's families. */
public enum GgufArchitecture {
  /** Llama, Mistral, and Mixtral's experts. */
  LLAMA("llama", true),
  QWEN2("qwen2", false),
  QWEN3("qwen3", false);

  private final String key;
  private final boolean paired;

  GgufArchitecture(String key, boolean paired) {
    this.key = key;
    this.paired = paired;
  }

  /** The value of {@code general.architecture}, and what its keys begin with. */
  public String key() {
    return key;
  }

  /**
   * Whether rotary embedding turns neighbouring dimensions (2i, 2i + 1) of a head, so that q and k
   * rows are stored in another order than Hugging Face's, which turns (i, i + headDim / 2).
   */
  public boolean paired() {
    return paired;
  }

  static Optional<GgufArchitecture> ofKey(String key) {
    for (GgufArchitecture architecture : values()) {
      if (architecture.key.equals(key)) {
        return Optional.of(architecture);
      }
    }
    return Optional.empty();
  }

  /**
   * The architecture that computes a model's forward.
   *
   * @param source names the model in errors
   * @throws InvalidInputException naming what llama.cpp cannot express
   */
  public static GgufArchitecture of(String source, ModelSpec spec) {
    if (spec.moe().isPresent() && spec.moe().get().gating() == Gating.NORMALIZED) {
      throw refused(
          source,
          "the gate normalises its logits (moe_use_logits_norm), which llama.cpp does not compute;"
              + " upcycle with --gating softmax for a model that it can run");
    }
    if (spec.slidingWindow().isPresent()
        && spec.slidingWindow().getAsInt() < spec.maxPositionEmbeddings()) {
      throw refused(
          source,
          "sliding_window is "
              + spec.slidingWindow().getAsInt()
              + ", which llama.cpp does not apply to this architecture; it would attend to all tokens");
    }
    if (spec.rope().scaling() instanceof RopeScaling.Yarn) {
      throw refused(source, "rope_scaling is yarn; linear and llama3 are exported");
    }
    if (spec.queryKeyNorm()) {
      if (spec.moe().isPresent() || spec.queryKeyValueBias() || spec.feedForwardBias()) {
        throw refused(
            source,
            "q_norm and k_norm are exported for Qwen3's form alone, without experts and biases");
      }
      return QWEN3;
    }
    if (spec.queryKeyValueBias() && !spec.outputBias()) {
      if (spec.moe().isPresent() || spec.feedForwardBias()) {
        throw refused(
            source,
            "biases on q, k and v alone are exported for Qwen2's form alone, without experts");
      }
      if (spec.numAttentionHeads() * spec.headDim() != spec.hiddenSize()) {
        throw refused(
            source,
            "head_dim is "
                + spec.headDim()
                + ", but llama.cpp's qwen2 takes hidden_size / num_attention_heads alone");
      }
      return QWEN2;
    }
    return LLAMA;
  }

  private static InvalidInputException refused(String source, String why) {
    return new InvalidInputException(source + ": " + why);
  }
}
