package dev.graft.network;

import dev.graft.checkpoint.Checkpoint;
import dev.graft.checkpoint.InvalidInputException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.function.Predicate;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** Reading a checkpoint's weights into parameters. */
public final class Weights {
  private Weights() {}

  /**
   * The weights of a checkpoint; FP8 ones with their scale applied.
   *
   * @param frozen whether a stored tensor of this name keeps its value
   * @throws InvalidInputException if a weight is NaN or infinite
   */
  public static Parameters load(
      Checkpoint checkpoint, Precision precision, Predicate<String> frozen) {
    return load(checkpoint, precision, frozen, Stage.whole(checkpoint.spec()));
  }

  /** Those of one stage of a pipeline. */
  public static Parameters load(
      Checkpoint checkpoint, Precision precision, Predicate<String> frozen, Stage stage) {
    Parameters parameters = Parameters.zeros(checkpoint.spec(), precision, frozen, stage);
    try {
      MemorySegment memory = Libtorch.memory(parameters.flatWeights());
      boolean wide = precision.stream() == ScalarType.Double;
      for (Parameters.Stored stored : parameters.stored()) {
        if (wide) {
          widen(checkpoint, stored, memory);
        } else {
          checkpoint.copyWeight(
              stored.name(), memory.asSlice(stored.offset() * 4, stored.elements() * 4));
        }
      }
      return parameters;
    } catch (RuntimeException e) {
      parameters.close();
      throw e;
    }
  }

  private static void widen(Checkpoint checkpoint, Parameters.Stored stored, MemorySegment memory) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment floats = arena.allocate(stored.elements() * 4, 64);
      checkpoint.copyWeight(stored.name(), floats);
      for (long i = 0; i < stored.elements(); i++) {
        memory.setAtIndex(
            ValueLayout.JAVA_DOUBLE,
            stored.offset() + i,
            floats.getAtIndex(ValueLayout.JAVA_FLOAT, i));
      }
    }
  }
}
