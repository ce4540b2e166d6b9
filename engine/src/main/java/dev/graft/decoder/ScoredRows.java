package dev.graft.decoder;

/** Receives logits of a prompt that choose no token, as they are computed. */
@FunctionalInterface
public interface ScoredRows {
  /** Nobody listens. */
  ScoredRows NONE = (chunk, row, logits, at) -> {};

  /**
   * One row. Those of a chunk come in order, by the thread that steps, before the step ends; what
   * is thrown ends the step.
   *
   * @param chunk its number in the step
   * @param row of the chunk's logits
   * @param logits hold the row, [vocab] from {@code at} on, during the call
   */
  void row(int chunk, int row, float[] logits, int at);
}
