package dev.graft.checkpoint;

/** How router logits become expert weights. */
public enum Gating {
  /** Mixtral's: softmax of the plain logits, top-k, renormalised to sum to 1. */
  SOFTMAX,
  /**
   * Skywork-MoE's gating logit normalisation (arXiv 2406.06563, section 4.1): z~ = λ (z − μ) / σ,
   * softmax, top-k, renormalised.
   */
  NORMALIZED
}
