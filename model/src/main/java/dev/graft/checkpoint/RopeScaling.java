package dev.graft.checkpoint;

/** The {@code rope_scaling} of a config, by its {@code rope_type}. */
public sealed interface RopeScaling {
  /** Frequencies as they are. */
  record None() implements RopeScaling {}

  /** Every frequency divided by {@code factor}. */
  record Linear(double factor) implements RopeScaling {}

  /** Llama 3's: low frequencies divided, high ones kept, a smooth ramp between. */
  record Llama3(
      double factor, double lowFreqFactor, double highFreqFactor, int originalMaxPositionEmbeddings)
      implements RopeScaling {}

  /**
   * YaRN (arXiv 2309.00071).
   *
   * @param attentionFactor multiplies cos and sin
   */
  record Yarn(
      double factor,
      double betaFast,
      double betaSlow,
      double attentionFactor,
      int originalMaxPositionEmbeddings,
      boolean truncate)
      implements RopeScaling {}
}
