package dev.graft.cost;

import java.util.Map;

/**
 * What a part costs one rank for one micro-batch.
 *
 * @param forward seconds
 * @param backward seconds, without recomputation
 * @param recompute seconds that the backward pass takes more if the part is recomputed whole
 * @param kept bytes of activations kept from the forward pass until the backward pass
 * @param keptIfRecomputed the same where the part is recomputed whole: its input
 * @param working bytes that are needed only while the part runs
 * @param forwardTerms the seconds of {@code forward} by what takes them
 * @param backwardTerms the seconds of {@code backward} by what takes them
 */
public record PartCost(
    double forward,
    double backward,
    double recompute,
    double kept,
    double keptIfRecomputed,
    double working,
    Map<Term, Double> forwardTerms,
    Map<Term, Double> backwardTerms) {
  /** Keeps its own maps. */
  public PartCost {
    forwardTerms = Map.copyOf(forwardTerms);
    backwardTerms = Map.copyOf(backwardTerms);
  }
}
