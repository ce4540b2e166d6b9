package dev.graft.network;

import dev.graft.checkpoint.ModelSpec;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.OptionalLong;
import java.util.SplittableRandom;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * Fresh weights. Java's own generator, one stream per stored tensor, so that a value depends on
 * name and seed only.
 */
final class Initialization {
  private Initialization() {}

  static void fill(Parameters parameters, ModelSpec spec, long seed) {
    MemorySegment memory = Libtorch.memory(parameters.flatWeights());
    boolean doubles = parameters.precision().stream() == ScalarType.Double;
    for (Parameters.Stored stored : parameters.stored()) {
      boolean norm = stored.name().endsWith("norm.weight");
      boolean bias = stored.name().endsWith(".bias");
      SplittableRandom random =
          new SplittableRandom(seed ^ ((long) stored.name().hashCode() << 32));
      long wide = stored.shape().size() == 1 ? 1 : stored.shape().get(1);
      for (long i = 0; i < stored.wholeElements(); i++) {
        double value = norm ? 1 : bias ? 0 : random.nextGaussian() * spec.initializerRange();
        OptionalLong at = stored.place(i / wide, i % wide);
        if (at.isEmpty()) {
          continue;
        }
        if (doubles) {
          memory.setAtIndex(ValueLayout.JAVA_DOUBLE, at.getAsLong(), value);
        } else {
          memory.setAtIndex(ValueLayout.JAVA_FLOAT, at.getAsLong(), (float) value);
        }
      }
    }
  }
}
