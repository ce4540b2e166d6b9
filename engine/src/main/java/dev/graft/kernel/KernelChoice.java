package dev.graft.kernel;

import java.util.Locale;

/** Chooses the kernels of this process, with the reason in words. */
public final class KernelChoice {
  private static final String MODULE = "jdk.incubator.vector";

  private KernelChoice() {}

  /** The fastest kernels that work here; {@link Kernels#description} says which and why. */
  public static Kernels best() {
    if (ModuleLayer.boot().findModule(MODULE).isEmpty()) {
      return new ScalarKernels(
          "scalar kernels, slow: the module "
              + MODULE
              + " is not loaded; start Java with --add-modules "
              + MODULE);
    }
    return vector();
  }

  /** Plain loops, whatever the machine. */
  public static Kernels scalar() {
    return new ScalarKernels("scalar kernels: asked for");
  }

  // In a method of its own, so that without the module the class is never loaded.
  private static Kernels vector() {
    int bits = Lanes.FLOATS.vectorBitSize();
    if (bits < 128) {
      return new ScalarKernels(
          "scalar kernels: this CPU offers vectors of " + bits + " bits, 128 are needed");
    }
    String reason =
        Integer.getInteger(Lanes.WIDTH) == null
            ? "the widest of this CPU"
            : "as " + Lanes.WIDTH + " asks";
    return new VectorKernels(
        String.format(
            Locale.ROOT, "vector kernels, %d bits (%d floats): %s", bits, Lanes.COUNT, reason));
  }
}
