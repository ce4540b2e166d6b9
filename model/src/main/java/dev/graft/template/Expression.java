package dev.graft.template;

import java.util.List;
import java.util.Map;
import java.util.Optional;

/** What has a value. */
sealed interface Expression {
  record Constant(Object value) implements Expression {}

  record Name(String name) implements Expression {}

  /** A list or, with the same behaviour, a tuple. */
  record ListOf(List<Expression> items) implements Expression {}

  record DictOf(List<Map.Entry<Expression, Expression>> entries) implements Expression {}

  /** {@code target.name}. */
  record Attribute(Expression target, String name) implements Expression {}

  /** {@code target[key]}. */
  record Item(Expression target, Expression key) implements Expression {}

  /** {@code target[from:to:step]}. */
  record Slice(
      Expression target,
      Optional<Expression> from,
      Optional<Expression> to,
      Optional<Expression> step)
      implements Expression {}

  record Call(Expression target, Arguments arguments) implements Expression {}

  record Filter(Expression value, String name, Arguments arguments) implements Expression {}

  /** {@code value is name(arguments)}. */
  record Test(Expression value, String name, Arguments arguments) implements Expression {}

  record Not(Expression value) implements Expression {}

  record And(Expression left, Expression right) implements Expression {}

  record Or(Expression left, Expression right) implements Expression {}

  record Negative(Expression value) implements Expression {}

  /** One of {@code + - * / // % ** ~}. */
  record Arithmetic(String operator, Expression left, Expression right) implements Expression {}

  /** {@code a < b < c} is {@code a < b and b < c}. */
  record Comparison(Expression first, List<Compared> rest) implements Expression {}

  /** An operator, {@code in} and {@code not in} among them, and its right side. */
  record Compared(String operator, Expression right) {}

  /** {@code then if condition else otherwise}. */
  record Conditional(Expression condition, Expression then, Optional<Expression> otherwise)
      implements Expression {}

  /** What stands between the parentheses of a call. */
  record Arguments(List<Expression> positional, Map<String, Expression> named) {
    static final Arguments NONE = new Arguments(List.of(), Map.of());
  }
}
