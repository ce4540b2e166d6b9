package dev.graft.service;

/** The queue is full, or the server is going down; the request may be sent again later. */
public final class OverloadedException extends RuntimeException {
  private static final long serialVersionUID = 1;

  private final boolean draining;

  OverloadedException(boolean draining, String message) {
    super(message);
    this.draining = draining;
  }

  /** Whether this server takes no more requests at all. */
  public boolean draining() {
    return draining;
  }
}
