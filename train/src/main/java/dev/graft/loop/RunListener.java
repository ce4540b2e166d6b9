package dev.graft.loop;

import dev.graft.events.Event;

/** Hears of a run as it happens. */
public interface RunListener {
  /** Hears nothing. */
  RunListener SILENT = new RunListener() {};

  /** The run starts or goes on after {@code done} of {@code steps} steps. */
  default void started(int done, int steps) {}

  /** Something was logged. */
  default void event(Event event) {}
}
