package dev.graft.cli;

import dev.graft.kernel.KernelChoice;
import dev.graft.kernel.Kernels;

/** The kernels that a verb computes with, and a line on standard error that says which and why. */
final class KernelLine {
  private KernelLine() {}

  /**
   * The fastest kernels there are.
   *
   * @param said whether to say so also where nothing is wrong
   */
  static Kernels best(boolean said) {
    Kernels kernels = KernelChoice.best();
    if (said || !kernels.vectors()) {
      System.err.println("graft: " + kernels.description());
    }
    return kernels;
  }
}
