package dev.graft.cluster;

import dev.graft.checkpoint.InvalidInputException;
import java.util.List;
import java.util.stream.Collectors;

/**
 * Devices in nodes: fast links inside a node, a network between nodes.
 *
 * @param name for people
 * @param kinds the devices in the order of their ranks; unequal ones are several kinds
 * @param nodeSize devices of a node
 * @param inside the link inside a node (NVLink, PCIe)
 * @param between the network between nodes, a device's share of it
 */
public record Cluster(String name, List<Kind> kinds, int nodeSize, Link inside, Link between) {
  /**
   * Equal devices of consecutive ranks.
   *
   * @param count how many
   */
  public record Kind(Device device, int count) {}

  /** Keeps its own list. */
  public Cluster {
    kinds = List.copyOf(kinds);
    if (kinds.isEmpty()) {
      throw new InvalidInputException(name + " has no devices; list at least one kind");
    }
  }

  /** How many devices there are. */
  public int size() {
    return kinds.stream().mapToInt(Kind::count).sum();
  }

  /** The device of a rank. */
  public Device device(int rank) {
    int left = rank;
    for (Kind kind : kinds) {
      if (left < kind.count()) {
        return kind.device();
      }
      left -= kind.count();
    }
    throw new IllegalArgumentException("rank " + rank + " of " + size());
  }

  /** Whether all devices are of one kind. */
  public boolean isUniform() {
    return kinds.stream().map(Kind::device).distinct().count() == 1;
  }

  /**
   * As many devices of the one kind.
   *
   * @throws InvalidInputException if there are several kinds, or {@code count} is below 1
   */
  public Cluster resized(int count) {
    if (count < 1 || !isUniform()) {
      throw new InvalidInputException(
          "%s cannot be taken %d times; a count is at least 1 and goes with one kind of device, so edit the file instead"
              .formatted(name, count));
    }
    return new Cluster(
        name, List.of(new Kind(kinds.getFirst().device(), count)), nodeSize, inside, between);
  }

  /** The same with networks {@code insideFactor} and {@code betweenFactor} times as fast. */
  public Cluster withNetworks(double insideFactor, double betweenFactor) {
    return new Cluster(
        name, kinds, nodeSize, inside.times(insideFactor), between.times(betweenFactor));
  }

  /** {@code 1536 × A800-80G}. */
  public String describe() {
    return kinds.stream()
        .map(kind -> kind.count() + " × " + kind.device().name())
        .collect(Collectors.joining(" + "));
  }
}
