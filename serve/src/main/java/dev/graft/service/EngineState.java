package dev.graft.service;

import java.util.Locale;

/** What an engine is at. */
public enum EngineState {
  /** Not ready yet. */
  STARTING,
  /** Takes requests. */
  READY,
  /** Finishes what it has and takes nothing more. */
  DRAINING,
  /** Cannot go on. */
  FAILED;

  /** As {@code /health} says it. */
  public String word() {
    return name().toLowerCase(Locale.ROOT);
  }
}
