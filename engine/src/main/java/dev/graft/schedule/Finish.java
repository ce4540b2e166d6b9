package dev.graft.schedule;

/** Why a sequence ended, as the OpenAI API names it where it has a name. */
public enum Finish {
  /** Its chooser said so. */
  STOP,
  /** It has as many tokens as it may. */
  LENGTH,
  /** It was cancelled. */
  CANCELLED
}
