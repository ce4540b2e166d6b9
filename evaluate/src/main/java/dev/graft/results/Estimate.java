package dev.graft.results;

import java.util.OptionalDouble;

/**
 * A number and how uncertain it is.
 *
 * @param standardError if it is known
 * @param items that it is of
 */
public record Estimate(double value, OptionalDouble standardError, int items) {}
