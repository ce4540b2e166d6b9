package dev.graft.schedule;

import java.util.concurrent.CompletableFuture;

/** A submitted request. Its methods may be called from any thread. */
public final class Generation {
  private final CompletableFuture<Finish> done = new CompletableFuture<>();
  private volatile boolean cancelled;

  Generation() {}

  /** Ends it; its pages are free after the next step. */
  public void cancel() {
    cancelled = true;
  }

  boolean isCancelled() {
    return cancelled;
  }

  /** Completes when the request has ended, exceptionally if it failed. */
  public CompletableFuture<Finish> done() {
    return done;
  }
}
