package dev.graft.service;

import dev.graft.checkpoint.InvalidInputException;
import dev.graft.decoder.Forward;
import dev.graft.sample.NextToken.Choice;
import dev.graft.schedule.Generation;
import dev.graft.schedule.Request;
import dev.graft.schedule.Scheduler;
import dev.graft.schedule.SchedulerOptions;
import dev.graft.schedule.SchedulerState;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;

/**
 * The scheduler with a thread of its own that steps it while there is something to do, and a bound
 * on what may wait.
 */
public final class Engine implements AutoCloseable {
  /** Tokens of prompt and answer for a start. */
  private static final int WARM_UP = 64;

  private final Scheduler scheduler;
  private final int maxSequences;
  private final int mostPending;
  private final Consumer<SchedulerState> afterStep;
  private final Consumer<Throwable> whenFailed;
  private final Semaphore work = new Semaphore(0);
  private final CountDownLatch ended = new CountDownLatch(1);
  private final Object admission = new Object();
  private int pending;
  private volatile EngineState state = EngineState.STARTING;
  private volatile Optional<Throwable> failure = Optional.empty();
  private volatile boolean closing;

  /**
   * Starts the thread.
   *
   * @param forward is not closed by this
   * @param mostWaiting sequences that may wait beside those that run
   * @param afterStep sees every step, on the thread that steps
   * @param whenFailed is told when the engine cannot go on, on that thread; its requests fail
   */
  public Engine(
      Forward forward,
      SchedulerOptions options,
      int mostWaiting,
      Consumer<SchedulerState> afterStep,
      Consumer<Throwable> whenFailed) {
    this.scheduler = new Scheduler(new WatchedForward(forward, this::fail), options);
    this.maxSequences = options.maxSequences();
    this.mostPending = options.maxSequences() + mostWaiting;
    this.afterStep = afterStep;
    this.whenFailed = whenFailed;
    Thread.ofPlatform().name("graft-engine").daemon().start(this::run);
  }

  private void run() {
    try {
      while (!closing) {
        if (scheduler.isIdle()) {
          work.acquire();
        }
        work.drainPermits();
        scheduler.step();
        afterStep.accept(scheduler.state());
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (RuntimeException | Error e) {
      fail(e);
      scheduler.failAll(new IllegalStateException("the engine failed: " + e, e));
    } finally {
      ended.countDown();
    }
  }

  private void fail(Throwable cause) {
    synchronized (admission) {
      if (failure.isEmpty()) {
        failure = Optional.of(cause);
        state = EngineState.FAILED;
      }
      admission.notifyAll();
    }
    whenFailed.accept(cause);
  }

  /** What it is at. */
  public EngineState state() {
    return state;
  }

  /** Sequences of the batch at most. */
  public int maxSequences() {
    return maxSequences;
  }

  /** Why it failed, if it did. */
  public Optional<String> failure() {
    return failure.map(Throwable::getMessage);
  }

  /** Queue, batch and pages after the last step. */
  public SchedulerState scheduler() {
    return scheduler.state();
  }

  /**
   * Computes a few tokens, so that the first client does not wait for the compiler; from then on
   * requests are taken.
   */
  public void warmUp() throws InterruptedException {
    int[] prompt = new int[Math.min(WARM_UP, scheduler.context() - WARM_UP)];
    int[] left = {WARM_UP};
    try {
      var _ = submit(new Request(prompt, WARM_UP, _ -> new Choice(0, --left[0] == 0))).done().get();
    } catch (ExecutionException e) {
      // A model that cannot compute says so to each request, too.
      throw e.getCause() instanceof RuntimeException cause ? cause : new IllegalStateException(e);
    }
    synchronized (admission) {
      if (state == EngineState.STARTING) {
        state = EngineState.READY;
      }
    }
  }

  /**
   * Makes sure of places for sequences before the first of them is submitted.
   *
   * @throws InvalidInputException if there could never be so many
   * @throws OverloadedException if there are none now
   */
  void reserve(int sequences) {
    synchronized (admission) {
      if (state == EngineState.STARTING) {
        throw new OverloadedException(true, "the server is starting; try again in a few seconds");
      }
      if (state == EngineState.DRAINING) {
        throw new OverloadedException(true, "the server is shutting down; ask another one");
      }
      if (state == EngineState.FAILED) {
        throw new OverloadedException(true, "the engine has failed: " + failure().orElse(""));
      }
      if (sequences > mostPending) {
        throw new InvalidInputException(
            "the request asks for "
                + sequences
                + " answers, prompts times n; this server runs and queues at most "
                + mostPending
                + "; ask for fewer at once");
      }
      if (pending + sequences > mostPending) {
        throw new OverloadedException(
            false,
            pending
                + " sequences are running or waiting, and at most "
                + mostPending
                + " may; try again later");
      }
      pending += sequences;
    }
  }

  /** Gives back places for sequences that have ended or were not submitted. */
  void release(int sequences) {
    synchronized (admission) {
      pending -= sequences;
      admission.notifyAll();
    }
  }

  /** Sequences that run or wait. */
  public int pending() {
    synchronized (admission) {
      return pending;
    }
  }

  /** Submits a sequence that has a place. */
  Generation submit(Request request) {
    Generation generation = scheduler.submit(request);
    work.release();
    return generation;
  }

  /** A sequence that was cancelled leaves at the next step, which this brings about. */
  void wake() {
    work.release();
  }

  /**
   * Takes no more requests and waits for those that are there.
   *
   * @return whether all ended in time
   */
  public boolean drain(Duration limit) throws InterruptedException {
    long until = System.nanoTime() + limit.toNanos();
    synchronized (admission) {
      if (state != EngineState.FAILED) {
        state = EngineState.DRAINING;
      }
      while (pending > 0) {
        long left = until - System.nanoTime();
        if (left <= 0) {
          return false;
        }
        TimeUnit.NANOSECONDS.timedWait(admission, left);
      }
      return true;
    }
  }

  @Override
  public void close() {
    closing = true;
    work.release();
    try {
      ended.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
