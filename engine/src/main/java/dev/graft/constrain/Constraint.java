package dev.graft.constrain;

import dev.graft.checkpoint.InvalidInputException;
import dev.graft.sample.TokenConstraint;

/** One text of a grammar, written in the tokens of a vocabulary. Used by one thread. */
public final class Constraint implements TokenConstraint {
  private final Automaton automaton;
  private final Vocabulary vocabulary;
  private Automaton.State state;

  /** The beginning of a text. */
  public Constraint(JsonGrammar grammar, Vocabulary vocabulary) {
    this.automaton = grammar.automaton();
    this.vocabulary = vocabulary;
    this.state = automaton.start();
  }

  /**
   * Sets the logits of tokens that may not come next to negative infinity. End tokens may come
   * where the text is complete; those beyond the tokenizer's vocabulary never may.
   *
   * @param logits [vocab]
   * @throws InvalidInputException if no token may come next, since the vocabulary cannot write what
   *     the schema asks for
   */
  @Override
  public void mask(float[] logits) {
    long[] allowed;
    synchronized (automaton) {
      allowed = automaton.mask(state, vocabulary);
    }
    boolean any = false;
    for (int v = 0; v < logits.length; v++) {
      if (v >> 6 < allowed.length && (allowed[v >> 6] >>> v & 1) != 0) {
        any = true;
      } else {
        logits[v] = Float.NEGATIVE_INFINITY;
      }
    }
    if (!any) {
      throw new InvalidInputException(
          "response_format: this model's vocabulary has no token for what the JSON Schema asks for"
              + " next; use other characters in its names and values");
    }
  }

  /**
   * A token has been chosen.
   *
   * @throws IllegalArgumentException if it may not come next
   */
  @Override
  public void accept(int token) {
    if (vocabulary.isEnd(token)) {
      if (!state.complete()) {
        throw new IllegalArgumentException("token " + token + " ends a text that is not complete");
      }
      return;
    }
    Automaton.State next = state;
    byte[] bytes = vocabulary.bytes(token);
    synchronized (automaton) {
      for (byte b : bytes) {
        next = automaton.step(next, b & 0xFF);
      }
    }
    if (next.dead() || bytes.length == 0) {
      throw new IllegalArgumentException("token " + token + " may not come next");
    }
    state = next;
  }

  /** Whether the text so far is valid as it is. */
  public boolean complete() {
    return state.complete();
  }

  /** Whether the text is valid and nothing may follow. */
  @Override
  public boolean exhausted() {
    return state.exhausted();
  }
}
