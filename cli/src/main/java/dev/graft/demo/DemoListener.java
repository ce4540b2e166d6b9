package dev.graft.demo;

import dev.graft.loop.RunListener;

/** Hears of a demo as it goes on. */
public interface DemoListener {
  /** Something was done. */
  void done(String what);

  /** A run begins; what is returned hears of its events. */
  RunListener training(String run);

  /** The run ended. */
  void trained(RunOutcome outcome);
}
