package dev.graft.constrain;

import dev.graft.checkpoint.InvalidInputException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.BiFunction;

/**
 * The deterministic automaton of a grammar, made while it is walked: a state is the set of
 * Antimirov's partial derivatives (Theoretical Computer Science 155, 1996) of the grammar by the
 * bytes read. The stack of what is open is the expression itself. Used by one thread at a time.
 */
final class Automaton {
  /** States and masks are forgotten beyond this, and made again when they are needed. */
  private static final int STATES = 10_000;

  private static final int MASKS = 512;

  /** Partial derivatives in a state at most; patterns that count and overlap have more. */
  private static final int PARTS = 2_000;

  /** Which tokens of a vocabulary may come next, a bit each. */
  private record Mask(Vocabulary vocabulary, long[] allowed) {}

  /** What can follow; identical for equal sets while none was forgotten. */
  static final class State {
    private final List<Expression> parts;
    private final State[] next = new State[256];
    private final boolean complete;
    private Optional<Mask> mask = Optional.empty();

    private State(List<Expression> parts) {
      this.parts = parts;
      this.complete = parts.stream().anyMatch(Expression::nullable);
    }

    /** Whether the text may end here. */
    boolean complete() {
      return complete;
    }

    /** Whether no text of the grammar begins like this. */
    boolean dead() {
      return parts.isEmpty();
    }

    /** Whether nothing may follow. */
    boolean exhausted() {
      return parts.stream().allMatch(p -> p instanceof Expression.Empty);
    }
  }

  private final ExpressionPool pool;
  private final BiFunction<String, Integer, Expression> rules;
  private final Map<Expression.Rule, Expression> bodies = new HashMap<>();
  private final Map<List<Integer>, State> states = new HashMap<>();
  private final List<State> masked = new ArrayList<>();
  private final State start;

  /**
   * An automaton.
   *
   * @param rules the body of a rule, by its name and depth
   */
  Automaton(ExpressionPool pool, Expression root, BiFunction<String, Integer, Expression> rules) {
    this.pool = pool;
    this.rules = rules;
    Map<Integer, Expression> parts = new TreeMap<>();
    add(root, parts);
    this.start = state(parts);
  }

  State start() {
    return start;
  }

  State step(State state, int value) {
    State known = state.next[value];
    if (known != null) {
      return known;
    }
    Map<Integer, Expression> parts = new TreeMap<>();
    for (Expression part : state.parts) {
      derive(part, value, pool.empty(), parts);
    }
    State next = state(parts);
    state.next[value] = next;
    return next;
  }

  /** The tokens that may come next, a bit each, made once; not to be changed. */
  long[] mask(State state, Vocabulary vocabulary) {
    if (state.mask.isEmpty() || !state.mask.get().vocabulary().equals(vocabulary)) {
      if (masked.size() >= MASKS) {
        masked.forEach(s -> s.mask = Optional.empty());
        masked.clear();
      }
      if (states.size() > STATES) {
        forget();
      }
      state.mask = Optional.of(new Mask(vocabulary, vocabulary.allowed(this, state)));
      masked.add(state);
    }
    return state.mask.get().allowed();
  }

  private void forget() {
    for (State state : states.values()) {
      Arrays.fill(state.next, null);
    }
    Arrays.fill(start.next, null);
    states.clear();
    bodies.clear();
    pool.forget();
  }

  private State state(Map<Integer, Expression> parts) {
    if (parts.size() > PARTS) {
      throw new InvalidInputException(
          "response_format: the JSON Schema leaves open more than "
              + PARTS
              + " ways at one place; anchor its patterns with ^ and $, count less in them, or offer"
              + " fewer schemas in anyOf");
    }
    return states.computeIfAbsent(
        List.copyOf(parts.keySet()), k -> new State(List.copyOf(parts.values())));
  }

  private static void add(Expression part, Map<Integer, Expression> into) {
    switch (part) {
      case Expression.Nothing n -> {}
      case Expression.Choice c -> c.parts().forEach(p -> into.put(p.id(), p));
      default -> into.put(part.id(), part);
    }
  }

  /** Adds what is left of {@code part}, then {@code rest}, after a byte. */
  private void derive(Expression part, int value, Expression rest, Map<Integer, Expression> into) {
    switch (part) {
      case Expression.Nothing n -> {}
      case Expression.Empty e -> {}
      case Expression.Bytes b -> {
        if (b.low() <= value && value <= b.high()) {
          add(rest, into);
        }
      }
      case Expression.Sequence s -> {
        derive(s.first(), value, pool.sequence(s.rest(), rest), into);
        if (s.first().nullable()) {
          derive(s.rest(), value, rest, into);
        }
      }
      case Expression.Choice c -> c.parts().forEach(p -> derive(p, value, rest, into));
      case Expression.Repeat r -> {
        int max = r.max() == ExpressionPool.UNBOUNDED ? r.max() : r.max() - 1;
        Expression more = pool.repeat(r.body(), Math.max(0, r.min() - 1), max);
        derive(r.body(), value, pool.sequence(more, rest), into);
      }
      case Expression.Rule r ->
          derive(
              bodies.computeIfAbsent(r, k -> rules.apply(r.name(), r.depth())), value, rest, into);
    }
  }
}
