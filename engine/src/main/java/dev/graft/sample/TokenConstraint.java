package dev.graft.sample;

/** What one text may be made of, token by token. Used by one thread. */
public interface TokenConstraint {
  /** Any text. */
  TokenConstraint NONE =
      new TokenConstraint() {
        @Override
        public void mask(float[] logits) {
          // All may come next.
        }

        @Override
        public void accept(int token) {
          // It leaves all possible.
        }

        @Override
        public boolean exhausted() {
          return false;
        }
      };

  /**
   * Sets the logits of tokens that may not come next to negative infinity.
   *
   * @param logits [vocab], finite for at least one token afterwards
   */
  void mask(float[] logits);

  /** A token has been chosen that may come next. */
  void accept(int token);

  /** Whether the text is complete and nothing may follow but its end. */
  boolean exhausted();
}
