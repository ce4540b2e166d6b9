package dev.graft.cluster;

import dev.graft.checkpoint.InvalidInputException;
import java.util.Map;
import java.util.OptionalDouble;

/**
 * An accelerator as its data sheet describes it.
 *
 * @param name for people
 * @param memory bytes
 * @param peak dense FLOP/s by number format
 * @param memoryBandwidth bytes/s
 * @param achievable the share of {@code peak} that a large matrix product reaches where it was
 *     measured; empty: as the efficiency model says of every device
 */
public record Device(
    String name,
    double memory,
    Map<ComputeType, Double> peak,
    double memoryBandwidth,
    OptionalDouble achievable) {
  /** Keeps its own map. */
  public Device {
    peak = Map.copyOf(peak);
  }

  /**
   * FLOP/s in a format.
   *
   * @throws InvalidInputException if the device does not compute in it
   */
  public double peak(ComputeType type) {
    Double rate = peak.get(type);
    if (rate == null) {
      throw new InvalidInputException(
          "%s has no peak for %s; add devices.peak.%s to the cluster's file or take another dtype"
              .formatted(name, type.key(), type.key()));
    }
    return rate;
  }
}
