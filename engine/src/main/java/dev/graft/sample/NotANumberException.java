package dev.graft.sample;

/** The model gave NaN where logits should be: its weights or its cache are damaged. */
public final class NotANumberException extends RuntimeException {
  private static final long serialVersionUID = 1;

  /** Names the first such token. */
  public NotANumberException(int token) {
    super(
        "the model's logit of token "
            + token
            + " is not a number; its weights are damaged or overflow, take an earlier checkpoint");
  }
}
