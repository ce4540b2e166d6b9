package dev.graft.cluster;

/**
 * A network as one device sees it.
 *
 * @param bandwidth bytes/s out of a device, and as many in, at the same time
 * @param latency seconds of the smallest message
 */
public record Link(double bandwidth, double latency) {
  /** The same link, {@code factor} times as fast. */
  public Link times(double factor) {
    return new Link(bandwidth * factor, latency);
  }
}
