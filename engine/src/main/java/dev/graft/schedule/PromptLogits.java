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
   * @param logits [vocab], this call's to keep or change
   */
  void at(int position, float[] logits);
}
