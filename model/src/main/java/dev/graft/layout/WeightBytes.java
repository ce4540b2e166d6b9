package dev.graft.layout;

import dev.graft.checkpoint.Checkpoint;
import dev.graft.checkpoint.Weight;
import dev.graft.checkpoint.Weight.Float8;
import dev.graft.checkpoint.Weight.Int8;
import dev.graft.checkpoint.Weight.Plain;

/** How many bytes the part of a tensor takes, its scales included. */
@FunctionalInterface
public interface WeightBytes {
  /** Bytes of a scale that belongs to FP8 codes; they are kept as float32. */
  int FLOAT8_SCALE = 4;

  /** Bytes of a scale that belongs to a block of int8 codes, a float16. */
  int INT8_SCALE = 2;

  /** Bytes of a part of a tensor. */
  long of(TensorSlice part);

  /** As the weights of a checkpoint are stored. */
  static WeightBytes stored(Checkpoint checkpoint) {
    return part ->
        switch (checkpoint.weight(part.name())) {
          case Plain plain -> part.elements() * plain.dtype().bytes();
          case Float8 codes ->
              part.elements()
                  + FLOAT8_SCALE
                      * (blocks(part.rows(), codes.rowBlock())
                          * blocks(part.columns(), codes.columnBlock()));
          case Int8 _ -> int8(part);
        };
  }

  /** As a scheme would store them, whether or not there are any yet. */
  static WeightBytes planned(WeightScheme scheme) {
    return part ->
        switch (scheme.quantizes(part.name()) ? scheme : scheme.rest()) {
          case FP8 -> part.elements() + FLOAT8_SCALE;
          case Q8 -> int8(part);
          case BF16, F16 -> part.elements() * 2;
          case F32 -> part.elements() * 4;
        };
  }

  private static long int8(TensorSlice part) {
    return part.elements()
        + INT8_SCALE * (part.rows().length() * blocks(part.columns(), Weight.BLOCK));
  }

  /** How many blocks a range touches. */
  private static long blocks(Range range, int block) {
    return range.isEmpty() ? 0 : Math.ceilDiv(range.to(), block) - range.from() / block;
  }
}
