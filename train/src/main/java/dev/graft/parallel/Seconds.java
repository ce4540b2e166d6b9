package dev.graft.parallel;

import java.time.Duration;

/** A time for messages. */
final class Seconds {
  private Seconds() {}

  static String of(Duration time) {
    return time.toMillis() % 1000 == 0 ? time.toSeconds() + " s" : time.toMillis() + " ms";
  }
}
