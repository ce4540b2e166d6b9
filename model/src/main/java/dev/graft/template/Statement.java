package dev.graft.template;

import java.util.List;
import java.util.Map;
import java.util.Optional;

/** What writes or does something. */
sealed interface Statement {
  record Data(String text) implements Statement {}

  record Print(Expression value) implements Statement {}

  /** The first branch whose condition holds; an else is one that always does. */
  record If(List<Branch> branches) implements Statement {}

  record Branch(Expression condition, List<Statement> body) {}

  record For(
      List<String> targets,
      Expression items,
      Optional<Expression> condition,
      List<Statement> body,
      List<Statement> otherwise)
      implements Statement {}

  record Break() implements Statement {}

  record Continue() implements Statement {}

  /** {@code set a, b = value}. */
  record Assign(List<String> targets, Expression value) implements Statement {}

  /** {@code set namespace.attribute = value}. */
  record AssignAttribute(String namespace, String attribute, Expression value)
      implements Statement {}

  /** {@code set target}…{@code endset}. */
  record Capture(String target, List<Statement> body) implements Statement {}

  /** A macro; the parameters that have no default come first. */
  record Macro(
      String name, List<String> parameters, Map<String, Expression> defaults, List<Statement> body)
      implements Statement {}

  /** {@code call macro()}…{@code endcall}: the macro calls the body as {@code caller}. */
  record CallBlock(Expression.Call call, Macro caller) implements Statement {}

  /** {@code filter name}…{@code endfilter}. */
  record FilterBlock(String name, Expression.Arguments arguments, List<Statement> body)
      implements Statement {}

  /** A body with a scope of its own: {@code generation} marks what an assistant says. */
  record Scoped(List<Statement> body) implements Statement {}
}
