package dev.graft.service;

import java.util.concurrent.ExecutionException;
import java.util.concurrent.FutureTask;
import java.util.function.Supplier;

/**
 * Native calls out of virtual threads. Such a call keeps the carrier of its thread, of which there
 * are as many as cores: a few long ones would stop every other request, so they get threads of
 * their own.
 */
final class Apart {
  /** Characters or tokens that are done within milliseconds. */
  private static final int SHORT = 4096;

  private Apart() {}

  /**
   * What a call gives.
   *
   * @param size characters or tokens that it works on
   */
  static <T> T call(int size, Supplier<T> call) {
    if (size <= SHORT) {
      return call.get();
    }
    FutureTask<T> task = new FutureTask<>(call::get);
    Thread.ofPlatform().name("graft-tokenizer").daemon().start(task);
    try {
      return task.get();
    } catch (ExecutionException e) {
      throw e.getCause() instanceof RuntimeException cause
          ? cause
          : new IllegalStateException(e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException("interrupted", e);
    }
  }
}
