package dev.graft.text;

import java.nio.file.Path;

/**
 * A dataset and its share of a mix.
 *
 * @param tokens prefix of the indexed dataset
 * @param weight share, in any unit
 */
public record WeightedTokens(Path tokens, double weight) {}
