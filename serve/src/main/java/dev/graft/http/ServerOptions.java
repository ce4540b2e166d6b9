package dev.graft.http;

import java.time.Duration;
import java.util.List;

/**
 * Where and how to serve.
 *
 * @param port 0 takes a free one
 * @param apiKeys one of which each request must bear; empty: none is asked for
 * @param maxBodyBytes of a request
 * @param maxConnections at once
 * @param headLimit for a request to arrive whole
 * @param keepAlive that a connection may rest between requests
 * @param requestLimit for an answer as a whole
 * @param writeLimit that a reader may stop reading
 */
public record ServerOptions(
    String host,
    int port,
    List<String> apiKeys,
    int maxBodyBytes,
    int maxConnections,
    Duration headLimit,
    Duration keepAlive,
    Duration requestLimit,
    Duration writeLimit) {
  /** Standard limits. */
  public static ServerOptions of(String host, int port, List<String> apiKeys) {
    return new ServerOptions(
        host,
        port,
        apiKeys,
        16 << 20,
        1024,
        Duration.ofSeconds(20),
        Duration.ofSeconds(75),
        Duration.ofMinutes(10),
        Duration.ofSeconds(30));
  }

  /** The same with another time for a request to arrive, and to rest. */
  public ServerOptions withArrival(Duration limit) {
    return new ServerOptions(
        host, port, apiKeys, maxBodyBytes, maxConnections, limit, limit, requestLimit, writeLimit);
  }

  /** The same with another time for answers. */
  public ServerOptions withRequestLimit(Duration limit) {
    return new ServerOptions(
        host, port, apiKeys, maxBodyBytes, maxConnections, headLimit, keepAlive, limit, writeLimit);
  }
}
