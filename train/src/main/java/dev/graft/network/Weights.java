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
    return load(checkpoint, precision, frozen, Shard.whole(checkpoint.spec()));
  }

  /** Those of one rank. */
  public static Parameters load(
      Checkpoint checkpoint, Precision precision, Predicate<String> frozen, Shard shard) {
    Parameters parameters = Parameters.zeros(checkpoint.spec(), precision, frozen, shard);
    try {
      MemorySegment memory = Libtorch.memory(parameters.flatWeights());
      boolean wide = precision.stream() == ScalarType.Double;
      for (Parameters.Stored stored : parameters.stored()) {
        if (!wide && stored.elements() == stored.wholeElements()) {
          checkpoint.copyWeight(
              stored.name(), memory.asSlice(stored.offset() * 4, stored.elements() * 4));
        } else {
          copyPart(checkpoint, stored, memory, wide);
        }
      }
      return parameters;
    } catch (RuntimeException e) {
      parameters.close();
      throw e;
    }
  }

  private static void copyPart(
      Checkpoint checkpoint, Parameters.Stored stored, MemorySegment memory, boolean wide) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment floats = arena.allocate(stored.wholeElements() * 4, 64);
      checkpoint.copyWeight(stored.name(), floats);
      for (Parameters.Stored.Run run : stored.runs(stored.offset(), stored.elements())) {
        if (wide) {
          for (long i = 0; i < run.elements(); i++) {
            memory.setAtIndex(
                ValueLayout.JAVA_DOUBLE,
                run.flat() + i,
                floats.getAtIndex(ValueLayout.JAVA_FLOAT, run.whole() + i));
          }
        } else {
          MemorySegment.copy(floats, run.whole() * 4, memory, run.flat() * 4, run.elements() * 4);
        }
      }
    }
  }
}
