package dev.graft.loop;

import java.nio.file.Path;

/** Loss or gradients of a step are not finite. */
public final class DivergedException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  DivergedException(int step, long from, long to, double loss, double norm, Path out) {
    super(
        out
            + ": step "
            + step
            + " (sequences "
            + from
            + " to "
            + (to - 1)
            + " of the data) gave loss "
            + loss
            + " and gradient norm "
            + norm
            + "; the last good checkpoint is kept, resume from it with a lower optimizer.lr");
  }
}
