package dev.graft.task;

/** What a model is asked for, by lm-evaluation-harness's names. */
public enum OutputType {
  /** The log-likelihood of each of several answers; the likeliest is the choice. */
  MULTIPLE_CHOICE("multiple_choice"),
  /** A text, written by the most likely tokens. */
  GENERATE_UNTIL("generate_until"),
  /** The log-likelihood of a whole text. */
  LOGLIKELIHOOD_ROLLING("loglikelihood_rolling");

  private final String key;

  OutputType(String key) {
    this.key = key;
  }

  /** The name in a task's file. */
  public String key() {
    return key;
  }
}
