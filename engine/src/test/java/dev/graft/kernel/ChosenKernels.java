package dev.graft.kernel;

import dev.graft.checkpoint.InvalidInputException;

/** Prints which kernels a JVM chooses, for a test that starts one. */
final class ChosenKernels {
  private ChosenKernels() {}

  public static void main(String[] args) {
    try {
      Kernels kernels = KernelChoice.best();
      float[] two = {1, 2};
      kernels.scale(two, 0, 2, 3);
      if (two[1] != 6) {
        throw new IllegalStateException("2 · 3 is not " + two[1]);
      }
      System.out.println(kernels.description());
    } catch (InvalidInputException e) {
      System.out.println("refused: " + e.getMessage());
    }
  }
}
