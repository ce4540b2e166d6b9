package dev.graft.checkpoint;

/**
 * Rotary position embedding.
 *
 * @param theta {@code rope_theta}
 * @param scaling how frequencies are stretched for longer contexts
 */
public record RopeSpec(double theta, RopeScaling scaling) {}
