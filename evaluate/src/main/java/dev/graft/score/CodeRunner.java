package dev.graft.score;

import java.io.IOException;

/** Runs programs that a model wrote, where they can do no harm. */
@FunctionalInterface
public interface CodeRunner {
  /**
   * Whether a program runs to its end.
   *
   * @throws IOException if it could not be started
   */
  boolean passes(String program) throws IOException;
}
