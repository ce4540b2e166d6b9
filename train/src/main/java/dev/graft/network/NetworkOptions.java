package dev.graft.network;

import java.util.OptionalDouble;

/**
 * How a network trains.
 *
 * @param capacityFactor of the experts; empty means dropless
 * @param zLoss coefficient of the router z-loss, 0 for none
 * @param recomputeLayers the first so many layers keep only their input and run forward again in
 *     backward
 */
public record NetworkOptions(OptionalDouble capacityFactor, double zLoss, int recomputeLayers) {
  /** Dropless, no z-loss, no recompute. */
  public static NetworkOptions inference() {
    return new NetworkOptions(OptionalDouble.empty(), 0, 0);
  }
}
