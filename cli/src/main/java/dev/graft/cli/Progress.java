package dev.graft.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.OptionalLong;

/**
 * How far a long task has come: rate and time left on standard error. On a terminal it is a bar
 * that is redrawn; elsewhere a plain line every few seconds. Thread-safe.
 *
 * <pre>{@code
 * try (Progress progress = Progress.bytes("upcycle", OptionalLong.of(total))) {
 *   copy(progress::add);
 * }
 * }</pre>
 */
sealed interface Progress extends AutoCloseable permits BarProgress, LineProgress {

  /** Counts bytes; an empty total means that it is not known. */
  static Progress bytes(String task, OptionalLong total) {
    return of(task, Unit.BYTES, 0, total);
  }

  /**
   * Counts training steps.
   *
   * @param done steps already done, on a resumed run; they do not count towards the rate
   */
  static Progress steps(String task, long done, long total) {
    return of(task, Unit.STEPS, done, OptionalLong.of(total));
  }

  /** Counts anything else, such as documents. */
  static Progress of(String task, Unit unit, long done, OptionalLong total) {
    return standardErrorIsTerminal()
        ? new BarProgress(task, unit, done, total)
        : new LineProgress(task, unit, done, total, System.err, InstantSource.system());
  }

  /** {@code n} more are done. */
  void add(long n);

  /** {@code done} of them are done in all. */
  void to(long done);

  /** A short text after the figures, such as {@code loss 2.31}. */
  void message(String text);

  /** Ends the display with the last state. */
  @Override
  void close();

  /** The JDK only tells whether standard input and output are a terminal, not standard error. */
  private static boolean standardErrorIsTerminal() {
    try {
      String device = Path.of("/proc/self/fd/2").toRealPath().toString();
      return device.startsWith("/dev/pts/")
          || device.startsWith("/dev/tty")
          || device.equals("/dev/console");
    } catch (IOException notLinked) { // a pipe or a socket resolves to no path
      return false;
    }
  }

  /**
   * What is counted.
   *
   * @param name printed after the number
   * @param size how many of the raw count make one of the unit
   */
  record Unit(String name, long size) {
    static final Unit BYTES = new Unit("MB", 1_000_000);
    static final Unit STEPS = new Unit("steps", 1);
    static final Unit DOCUMENTS = new Unit("documents", 1);
    static final Unit TOKENS = new Unit("M tokens", 1_000_000);
  }
}
