package dev.graft.template;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Expressions to values. */
final class Evaluator {
  private Evaluator() {}

  static Object value(Expression expression, Scope scope) {
    return switch (expression) {
      case Expression.Constant(Object value) -> value;
      case Expression.Name(String name) -> scope.get(name);
      case Expression.ListOf(List<Expression> items) -> {
        List<Object> values = new ArrayList<>();
        items.forEach(item -> values.add(value(item, scope)));
        yield values;
      }
      case Expression.DictOf(List<Map.Entry<Expression, Expression>> entries) -> {
        Map<Object, Object> values = new LinkedHashMap<>();
        entries.forEach(e -> values.put(value(e.getKey(), scope), value(e.getValue(), scope)));
        yield values;
      }
      case Expression.Attribute(Expression target, String name) ->
          attribute(value(target, scope), name);
      case Expression.Item(Expression target, Expression key) ->
          Values.item(value(target, scope), value(key, scope));
      case Expression.Slice slice ->
          Values.slice(
              value(slice.target(), scope),
              orNone(slice.from(), scope),
              orNone(slice.to(), scope),
              orNone(slice.step(), scope));
      case Expression.Call(Expression target, Expression.Arguments arguments) ->
          call(value(target, scope), arguments, scope);
      case Expression.Filter(Expression value, String name, Expression.Arguments arguments) ->
          Filters.apply(
              name, value(value, scope), positional(arguments, scope), named(arguments, scope));
      case Expression.Test(Expression value, String name, Expression.Arguments arguments) ->
          Tests.holds(name, value(value, scope), positional(arguments, scope));
      case Expression.Not(Expression value) -> !Values.truth(value(value, scope));
      case Expression.And(Expression left, Expression right) -> {
        Object first = value(left, scope);
        yield Values.truth(first) ? value(right, scope) : first;
      }
      case Expression.Or(Expression left, Expression right) -> {
        Object first = value(left, scope);
        yield Values.truth(first) ? first : value(right, scope);
      }
      case Expression.Negative(Expression value) -> Arithmetic.apply("-", 0L, value(value, scope));
      case Expression.Arithmetic(String operator, Expression left, Expression right) ->
          Arithmetic.apply(operator, value(left, scope), value(right, scope));
      case Expression.Comparison(Expression first, List<Expression.Compared> rest) ->
          comparison(first, rest, scope);
      case Expression.Conditional(
              Expression condition,
              Expression then,
              Optional<Expression> otherwise) -> {
        if (Values.truth(value(condition, scope))) {
          yield value(then, scope);
        }
        yield otherwise.isPresent()
            ? value(otherwise.get(), scope)
            : new Undefined("the if without else");
      }
    };
  }

  private static Object orNone(Optional<Expression> expression, Scope scope) {
    return expression.isPresent() ? value(expression.get(), scope) : None.NONE;
  }

  private static boolean comparison(Expression first, List<Expression.Compared> rest, Scope scope) {
    Object left = value(first, scope);
    for (Expression.Compared compared : rest) {
      Object right = value(compared.right(), scope);
      boolean holds =
          switch (compared.operator()) {
            case "==" -> Values.equal(left, right);
            case "!=" -> !Values.equal(left, right);
            case "in" -> Values.contains(right, left);
            case "not in" -> !Values.contains(right, left);
            case "<" -> Values.compare(left, right) < 0;
            case "<=" -> Values.compare(left, right) <= 0;
            case ">" -> Values.compare(left, right) > 0;
            default -> Values.compare(left, right) >= 0;
          };
      if (!holds) {
        return false;
      }
      left = right;
    }
    return true;
  }

  /** A method or, failing that, an element of that name. */
  private static Object attribute(Object target, String name) {
    return switch (target) {
      case Undefined undefined -> throw undefined.error();
      case Loop loop -> loop.get(name);
      case Namespace namespace -> namespace.get(name);
      default -> {
        Optional<Callable> method = Methods.find(target, name);
        if (method.isPresent()) {
          yield method.get();
        }
        Object found = Values.item(target, name);
        yield found instanceof Undefined ? new Undefined("'" + name + "'") : found;
      }
    };
  }

  static Object call(Object target, Expression.Arguments arguments, Scope scope) {
    return switch (target) {
      case Callable callable ->
          callable.call(positional(arguments, scope), named(arguments, scope));
      case Undefined undefined -> throw undefined.error();
      default -> throw new TemplateException(Values.representation(target) + " cannot be called");
    };
  }

  static List<Object> positional(Expression.Arguments arguments, Scope scope) {
    List<Object> values = new ArrayList<>();
    arguments.positional().forEach(argument -> values.add(value(argument, scope)));
    return values;
  }

  static Map<String, Object> named(Expression.Arguments arguments, Scope scope) {
    Map<String, Object> values = new LinkedHashMap<>();
    arguments.named().forEach((name, argument) -> values.put(name, value(argument, scope)));
    return values;
  }
}
