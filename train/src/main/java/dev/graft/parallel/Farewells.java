package dev.graft.parallel;

import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.bytedeco.pytorch.Store;
import org.bytedeco.pytorch.StringVector;

/**
 * What ranks leave behind in the store when they leave a group, so that the others, who see no more
 * than a closed connection, name the rank that was lost first and not one that left because of it.
 * A rank that was killed leaves nothing.
 */
final class Farewells {
  /** A farewell may come a little after the closed connection. */
  private static final long GRACE_MILLIS = 500;

  private static final long POLL_MILLIS = 10;

  /**
   * Why a rank left.
   *
   * @param rank the one that was lost; the rank itself if it left of its own accord
   * @param how what became of that one
   */
  record Farewell(int rank, String how) {}

  private final Store store;
  private final int size;

  Farewells(Store store, int size) {
    this.store = store;
    this.size = size;
  }

  /** Says farewell for a rank, as far as the store can still be reached. */
  void say(int rank, Farewell farewell) {
    bounded(() -> {
      store.set(key(rank), farewell.rank() + " " + farewell.how());
      return Optional.<Farewell>empty();
    });
  }

  /**
   * Finds the rank that was lost first. The peer that a rank misses may be missing one itself: both
   * say at once whom they miss, and the trail ends at the rank that says nothing or left of itself.
   *
   * @param rank the rank that asks
   * @param missed the peer it misses, and why
   */
  Farewell trace(int rank, Farewell missed) {
    say(rank, missed);
    Farewell last = missed;
    for (int hops = 0; hops < size; hops++) {
      Optional<Farewell> next = await(last.rank());
      if (next.isEmpty() || next.get().rank() == rank) {
        break;
      }
      boolean end = next.get().rank() == last.rank();
      last = next.get();
      if (end) {
        break;
      }
    }
    say(rank, last);
    return last;
  }

  private Optional<Farewell> await(int rank) {
    return bounded(() -> {
      for (long waited = 0; waited < GRACE_MILLIS; waited += POLL_MILLIS) {
        Optional<Farewell> farewell = read(rank);
        if (farewell.isPresent()) {
          return farewell;
        }
        Thread.sleep(POLL_MILLIS);
      }
      return Optional.<Farewell>empty();
    });
  }

  private Optional<Farewell> read(int rank) {
    try (StringVector keys = new StringVector(key(rank))) {
      if (!store.check(keys)) {
        return Optional.empty();
      }
    }
    String text = store.get_to_str(key(rank));
    int blank = text.indexOf(' ');
    int lost = Integer.parseInt(text.substring(0, blank));
    return lost < size
        ? Optional.of(new Farewell(lost, text.substring(blank + 1)))
        : Optional.empty();
  }

  private static String key(int rank) {
    return "farewell/" + rank;
  }

  private interface Exchange {
    Optional<Farewell> run() throws InterruptedException;
  }

  /** The store is rank 0's: it may be gone, or frozen so that its answer never comes. */
  private static Optional<Farewell> bounded(Exchange exchange) {
    ExecutorService thread =
        Executors.newSingleThreadExecutor(Thread.ofPlatform().daemon().name("farewell").factory());
    try {
      return thread.submit(exchange::run).get(2 * GRACE_MILLIS, TimeUnit.MILLISECONDS);
    } catch (ExecutionException | TimeoutException e) {
      return Optional.empty();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return Optional.empty();
    } finally {
      thread.shutdownNow();
    }
  }
}
