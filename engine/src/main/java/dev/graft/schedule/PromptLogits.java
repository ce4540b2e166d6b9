package dev.graft.schedule;

/** Receives what the model expected at each place of a prompt. Called by the thread that steps. */
@FunctionalInterface
public interface PromptLogits {
  /**
   * One place; each from {@link Request.Scoring#from} on comes once, in order, before the first
   * generated token.
   *
   * @param position of the prompt token that these logits come after, from 0; those after the last
   *     are not among them, they choose the first generated token
   * @param logits hold them, [vocab] from {@code at} on, during the call
   */
  void at(int position, float[] logits, int at);
}
