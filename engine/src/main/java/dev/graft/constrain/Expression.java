package dev.graft.constrain;

import java.util.List;

/**
 * A language of byte strings. Made by {@link ExpressionPool} only, which makes equal ones once, so
 * that they can be compared by identity.
 */
sealed interface Expression {
  /** Distinct for each of a pool. */
  int id();

  /** Whether the empty string belongs to it. */
  boolean nullable();

  /** No string at all. */
  record Nothing(int id) implements Expression {
    @Override
    public boolean nullable() {
      return false;
    }
  }

  /** The empty string. */
  record Empty(int id) implements Expression {
    @Override
    public boolean nullable() {
      return true;
    }
  }

  /** One byte from {@code low} to {@code high}, both 0 to 255. */
  record Bytes(int id, int low, int high) implements Expression {
    @Override
    public boolean nullable() {
      return false;
    }
  }

  /** One after the other. */
  record Sequence(int id, boolean nullable, Expression first, Expression rest)
      implements Expression {}

  /** Any of several, none of which is a choice itself. */
  record Choice(int id, boolean nullable, List<Expression> parts) implements Expression {}

  /** A body from {@code min} to {@code max} times. */
  record Repeat(int id, boolean nullable, Expression body, int min, int max)
      implements Expression {}

  /**
   * What a rule of the grammar says, made when it is reached; never the empty string.
   *
   * @param depth rules that may still be inside each other, this one included
   */
  record Rule(int id, String name, int depth) implements Expression {
    @Override
    public boolean nullable() {
      return false;
    }
  }
}
