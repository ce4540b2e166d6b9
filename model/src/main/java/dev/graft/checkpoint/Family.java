package dev.graft.checkpoint;

/**
 * The model families whose forward Graft computes, by the architecture name in {@code config.json}.
 */
public enum Family {
  LLAMA("LlamaForCausalLM", "llama"),
  MISTRAL("MistralForCausalLM", "mistral"),
  QWEN2("Qwen2ForCausalLM", "qwen2"),
  QWEN3("Qwen3ForCausalLM", "qwen3"),
  MIXTRAL("MixtralForCausalLM", "mixtral"),
  SKYWORK_MOE("SkyworkForCausalLM", "skywork_moe");

  private final String architecture;
  private final String modelType;

  Family(String architecture, String modelType) {
    this.architecture = architecture;
    this.modelType = modelType;
  }

  /** The entry of {@code architectures}. */
  public String architecture() {
    return architecture;
  }

  /** The value of {@code model_type}. */
  public String modelType() {
    return modelType;
  }
}
