package dev.graft.service;

/**
 * Times of one sequence: until its first token, and between tokens. Used by one thread at a time.
 */
final class RequestClock {
  private final EngineMetrics metrics;
  private final long start = System.nanoTime();
  private long last;

  RequestClock(EngineMetrics metrics) {
    this.metrics = metrics;
  }

  /** A token has come. */
  void token() {
    long now = System.nanoTime();
    if (last == 0) {
      metrics.firstToken((now - start) / 1e9);
    } else {
      metrics.nextToken((now - last) / 1e9);
    }
    last = now;
  }

  /** It has ended. */
  void end() {
    metrics.ended((System.nanoTime() - start) / 1e9);
  }
}
