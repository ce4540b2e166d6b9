package dev.graft.kernel;

import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

/**
 * Threads that share one piece of work at a time. The caller takes part; between pieces that follow
 * one another closely the others spin, later they sleep. Used by one caller at a time.
 */
public final class Workers implements AutoCloseable {
  /** About fifty microseconds: longer than the gap between two products of one step. */
  private static final int SPINS = 20_000;

  /** Work in numbered parts, each done once, by any thread. */
  @FunctionalInterface
  public interface Task {
    /**
     * Does one part.
     *
     * @param part its number
     * @param thread who does it, 0 … {@link Workers#threads} − 1: for scratch space of its own
     */
    void run(int part, int thread);
  }

  /** One piece of work and how far it is. */
  private static final class Piece {
    private final Task task;
    private final int parts;
    private final AtomicInteger next = new AtomicInteger();
    private final AtomicInteger unfinished;

    Piece(Task task, int parts) {
      this.task = task;
      this.parts = parts;
      this.unfinished = new AtomicInteger(parts);
    }
  }

  private static final Piece NONE = new Piece((part, thread) -> {}, 0);

  private final Thread[] threads;
  private volatile Piece piece = NONE;
  private volatile boolean closed;
  private volatile Throwable failure;

  /**
   * Starts {@code threads − 1} daemon threads.
   *
   * @param threads how many work, the caller included, at least 1
   */
  public Workers(int threads) {
    this.threads = new Thread[threads - 1];
    for (int i = 0; i < this.threads.length; i++) {
      int number = i + 1;
      this.threads[i] =
          Thread.ofPlatform().daemon().name("graft-worker-" + number).unstarted(() -> work(number));
    }
    for (Thread thread : this.threads) {
      thread.start();
    }
  }

  /** How many work, the caller included. */
  public int threads() {
    return threads.length + 1;
  }

  /** Does parts 0 … parts − 1 and returns when all are done. */
  @SuppressWarnings(
      "ThreadPriorityCheck") // only when another process holds the core that is waited for
  public void run(int parts, Task task) {
    if (threads.length == 0 || parts <= 1) {
      for (int part = 0; part < parts; part++) {
        task.run(part, 0);
      }
      return;
    }
    Piece now = new Piece(task, parts);
    piece = now;
    for (Thread thread : threads) {
      LockSupport.unpark(thread);
    }
    take(now, 0);
    for (int spin = 0; now.unfinished.get() > 0; spin++) {
      if (spin > SPINS) {
        Thread.yield();
      } else {
        Thread.onSpinWait();
      }
    }
    Throwable thrown = failure;
    if (thrown != null) {
      failure = null;
      switch (thrown) {
        case Error error -> throw error;
        case RuntimeException exception -> throw exception;
        default -> throw new IllegalStateException(thrown);
      }
    }
  }

  private void take(Piece now, int thread) {
    for (int part = now.next.getAndIncrement();
        part < now.parts;
        part = now.next.getAndIncrement()) {
      try {
        now.task.run(part, thread);
      } catch (RuntimeException | Error e) {
        failure = e;
      } finally {
        now.unfinished.decrementAndGet();
      }
    }
  }

  private void work(int number) {
    Piece last = NONE;
    while (!closed) {
      Piece now = piece;
      for (int spin = 0; now == last && spin < SPINS; spin++) {
        Thread.onSpinWait();
        now = piece;
      }
      if (now == last) {
        LockSupport.park(this);
      } else {
        take(now, number);
        last = now;
      }
    }
  }

  @Override
  public void close() {
    closed = true;
    for (Thread thread : threads) {
      LockSupport.unpark(thread);
    }
  }
}
