package dev.graft.checkpoint;

/**
 * The expert part of a model.
 *
 * @param numExperts experts per layer (n)
 * @param topK experts per token (k), 1 ≤ k ≤ n
 * @param gating how logits become weights
 * @param gateNormStd λ of the normalised gate; unused by {@link Gating#SOFTMAX}
 */
public record MoeSpec(int numExperts, int topK, Gating gating, double gateNormStd) {}
