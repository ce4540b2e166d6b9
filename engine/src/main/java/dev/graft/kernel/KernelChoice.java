package dev.graft.kernel;

import dev.graft.checkpoint.InvalidInputException;

/** Chooses the kernels of this process, with the reason in words. */
public final class KernelChoice {
  private static final String MODULE = "jdk.incubator.vector";

  private KernelChoice() {}

  /**
   * The fastest kernels that work here; {@link Kernels#description} says which and why.
   *
   * @throws InvalidInputException if the system property {@value VectorWidth#PROPERTY} asks for a
   *     vector width that there is not
   */
  public static Kernels best() {
    if (ModuleLayer.boot().findModule(MODULE).isEmpty()) {
      return new ScalarKernels(
          "slow, for the module "
              + MODULE
              + " is not loaded; start Java with --add-modules "
              + MODULE);
    }
    return vector();
  }

  /** Plain loops, whatever the machine. */
  public static Kernels scalar() {
    return new ScalarKernels("asked for");
  }

  // In a method of its own, so that without the module no class of it is loaded.
  private static Kernels vector() {
    VectorWidth width = VectorWidth.here();
    if (width.bits() < 128) {
      return new ScalarKernels(
          "slow, for this CPU offers vectors of " + width.bits() + " bits, and 128 are needed");
    }
    return new VectorKernels(width.reason());
  }
}
