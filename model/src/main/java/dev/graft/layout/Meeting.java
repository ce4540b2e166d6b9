package dev.graft.layout;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLongArray;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/**
 * Where the threads of a group wait for each other, round after round. A layer's two sums make some
 * thousands of rounds a second, so a thread first spins; where there are more ranks than processors
 * spinning would keep the awaited rank from running, and it sleeps at once.
 */
final class Meeting {
  private static final long SPIN_NANOS = 100_000;

  private record Lost(int rank, String how) {}

  private final int size;
  private final Duration timeout;
  private final long spinNanos;
  private final AtomicInteger here = new AtomicInteger();

  /** How many rounds each rank has come to. */
  private final AtomicLongArray rounds;

  private final AtomicReference<Optional<Lost>> lost = new AtomicReference<>(Optional.empty());
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition woken = lock.newCondition();
  private final AtomicInteger asleep = new AtomicInteger();

  /** Rounds to which all have come. */
  private volatile long complete;

  Meeting(int size, Duration timeout) {
    this.size = size;
    this.timeout = timeout;
    this.rounds = new AtomicLongArray(size);
    this.spinNanos = size <= Runtime.getRuntime().availableProcessors() ? SPIN_NANOS : 0;
  }

  /**
   * Waits until all have come to this round.
   *
   * @throws PeerLostException if a rank is lost or does not come within the timeout
   */
  void come(int rank) {
    come(rank, timeout.toNanos());
  }

  /** Waits however long it takes; only the loss of a rank ends it. */
  void comeForAnyTime(int rank) {
    come(rank, Long.MAX_VALUE);
  }

  /** Makes all calls throw from now on; the first loss is the one they name. */
  void lose(int rank, String how) {
    lost.compareAndSet(Optional.empty(), Optional.of(new Lost(rank, how)));
    wake();
  }

  private void come(int rank, long patience) {
    long round = rounds.incrementAndGet(rank);
    throwIfLostBefore(round);
    if (here.incrementAndGet() == size) {
      here.set(0);
      complete = round;
      if (asleep.get() > 0) {
        wake();
      }
      return;
    }
    long began = System.nanoTime();
    while (complete < round) {
      throwIfLostBefore(round);
      if (System.nanoTime() - began > spinNanos) {
        sleep(rank, round, patience);
        return;
      }
      Thread.onSpinWait();
    }
  }

  private void sleep(int rank, long round, long patience) {
    lock.lock();
    // Counted before the round is looked at, so that the last to come either sees the sleeper or is
    // seen by it.
    asleep.incrementAndGet();
    try {
      long left = patience;
      while (complete < round) {
        throwIfLostBefore(round);
        if (left <= 0) {
          lose(missing(round), "it did not answer within " + timeout.toMillis() / 1e3 + " s");
          throwIfLostBefore(round);
        }
        left = woken.awaitNanos(left);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      lose(rank, "its thread was interrupted");
      throwIfLostBefore(round);
    } finally {
      asleep.decrementAndGet();
      lock.unlock();
    }
  }

  private int missing(long round) {
    int rank = 0;
    while (rank < size - 1 && rounds.get(rank) >= round) {
      rank++;
    }
    return rank;
  }

  private void wake() {
    lock.lock();
    try {
      woken.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** A rank that left after all had come to this round is not missed in it. */
  private void throwIfLostBefore(long round) {
    Optional<Lost> gone = lost.get();
    if (gone.isPresent() && complete < round) {
      throw new PeerLostException(gone.get().rank(), size, gone.get().how());
    }
  }
}
