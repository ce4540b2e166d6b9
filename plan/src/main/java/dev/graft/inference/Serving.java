package dev.graft.inference;

import dev.graft.checkpoint.InvalidInputException;
import dev.graft.cluster.ComputeType;
import dev.graft.layout.WeightScheme;

/**
 * How a model is served.
 *
 * @param weights how its weights are stored
 * @param cacheBytes of a number of the key/value cache
 * @param memoryShare of a device's memory that may be used, in (0, 1]
 */
public record Serving(WeightScheme weights, int cacheBytes, double memoryShare) {
  /** vLLM's {@code gpu_memory_utilization} in the published run on eight cards. */
  public static final double MEMORY_SHARE = 0.95;

  /** Refuses what cannot be. */
  public Serving {
    if (cacheBytes < 1 || !(memoryShare > 0 && memoryShare <= 1)) {
      throw new InvalidInputException(
          "A cache of %d bytes a number and %s of the memory cannot be; give 1, 2 or 4 and a share above 0 up to 1"
              .formatted(cacheBytes, memoryShare));
    }
  }

  /** The format of matrix products: FP8 where the device has it. */
  ComputeType compute(java.util.Set<ComputeType> offered) {
    return switch (weights) {
      case FP8 -> offered.contains(ComputeType.FP8) ? ComputeType.FP8 : ComputeType.BF16;
      case F32 -> ComputeType.F32;
      case BF16, F16, Q8 -> ComputeType.BF16;
    };
  }
}
