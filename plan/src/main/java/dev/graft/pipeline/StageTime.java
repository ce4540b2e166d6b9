package dev.graft.pipeline;

import dev.graft.checkpoint.InvalidInputException;

/**
 * What one micro-batch costs one pipeline stage.
 *
 * @param forward seconds of its forward pass
 * @param backward seconds of its backward pass, recomputed layers included
 */
public record StageTime(double forward, double backward) {
  /** Refuses times that are negative or no numbers. */
  public StageTime {
    if (!(forward >= 0 && backward >= 0)
        || Double.isInfinite(forward)
        || Double.isInfinite(backward)) {
      throw new InvalidInputException(
          "The stage times %s and %s are not finite seconds from 0 on; give measured or modelled times."
              .formatted(forward, backward));
    }
  }
}
