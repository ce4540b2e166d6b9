package dev.graft.service;

import java.util.concurrent.atomic.AtomicInteger;

/** One sequence under way: its times, and how far it is. Written by one thread at a time. */
public final class RequestClock {
  private final EngineMetrics metrics;
  private final long number;
  private final String id;
  private final int promptTokens;
  private final long start = System.nanoTime();
  private long last;
  private final AtomicInteger tokens = new AtomicInteger();

  RequestClock(EngineMetrics metrics, long number, String id, int promptTokens) {
    this.metrics = metrics;
    this.number = number;
    this.id = id;
    this.promptTokens = promptTokens;
  }

  /** Its number, counted from the start of the server. */
  long number() {
    return number;
  }

  /** Its request's id, as the answer bears it; sequences of one request share it. */
  public String id() {
    return id;
  }

  /** Tokens of its prompt. */
  public int promptTokens() {
    return promptTokens;
  }

  /** Tokens generated so far. */
  public int tokens() {
    return tokens.get();
  }

  /** A token has come; called by the thread that steps. */
  void token() {
    long now = System.nanoTime();
    if (last == 0) {
      metrics.firstToken((now - start) / 1e9);
    } else {
      metrics.nextToken((now - last) / 1e9);
    }
    last = now;
    tokens.incrementAndGet();
  }

  /** It has ended. */
  void end() {
    metrics.ended(this, (System.nanoTime() - start) / 1e9);
  }
}
