package dev.graft.sample;

/** Chooses the tokens of one sequence. Called by the thread that steps the engine. */
@FunctionalInterface
public interface NextToken {
  /**
   * What comes next.
   *
   * @param token its id
   * @param last whether the sequence ends with it
   */
  record Choice(int token, boolean last) {}

  /**
   * Chooses.
   *
   * @param logits [vocab], this call's to keep or change
   * @throws RuntimeException to end the sequence with an error, such as {@link NotANumberException}
   */
  Choice choose(float[] logits);
}
