package dev.graft.cli;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/**
 * Turns SIGTERM and Ctrl-C into a request to save: the process stays until the work that was asked
 * to stop has saved, and exits with 0.
 */
final class SaveOnTermination implements AutoCloseable {
  private static final long PATIENCE_MINUTES = 10;

  private final Thread hook;
  private final CountDownLatch ended = new CountDownLatch(1);
  private volatile boolean saved;

  private SaveOnTermination(Runnable request) {
    this.hook =
        new Thread(
            () -> {
              request.run();
              try {
                boolean inTime = ended.await(PATIENCE_MINUTES, TimeUnit.MINUTES);
                Runtime.getRuntime().halt(inTime && saved ? 0 : 1);
              } catch (InterruptedException e) {
                Runtime.getRuntime().halt(1);
              }
            },
            "save-on-termination");
  }

  /** Watches until closed. */
  static SaveOnTermination of(Runnable request) {
    SaveOnTermination watch = new SaveOnTermination(request);
    Runtime.getRuntime().addShutdownHook(watch.hook);
    return watch;
  }

  /** Everything is on disk. */
  void saved() {
    saved = true;
  }

  @Override
  public void close() {
    ended.countDown();
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException e) {
      // The process is going down already: the hook ends it.
    }
  }
}
