package dev.graft.template;

import dev.graft.template.Expression.Arguments;
import dev.graft.template.Token.Kind;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Expressions, a method a level of precedence, loosest first. */
final class ExpressionParser {
  private static final Set<String> COMPARISONS = Set.of("==", "!=", "<", "<=", ">", ">=");

  private final TokenCursor cursor;

  ExpressionParser(TokenCursor cursor) {
    this.cursor = cursor;
  }

  /** An expression, or several with commas between as a tuple. */
  Expression tuple() {
    return tuple(true);
  }

  Expression tupleWithoutConditional() {
    return tuple(false);
  }

  private Expression tuple(boolean conditional) {
    Expression first = conditional ? expression() : or();
    if (!cursor.peek().is(Kind.OPERATOR, ",")) {
      return first;
    }
    List<Expression> items = new ArrayList<>(List.of(first));
    while (cursor.skip(Kind.OPERATOR, ",") && startsExpression()) {
      items.add(conditional ? expression() : or());
    }
    return new Expression.ListOf(List.copyOf(items));
  }

  private boolean startsExpression() {
    Token token = cursor.peek();
    return switch (token.kind()) {
      case NAME, STRING, INTEGER, FLOAT -> true;
      case OPERATOR -> Set.of("(", "[", "{", "-", "+").contains(token.text());
      default -> false;
    };
  }

  Expression expression() {
    Expression value = or();
    while (cursor.skip(Kind.NAME, "if")) {
      Expression condition = or();
      Optional<Expression> otherwise =
          cursor.skip(Kind.NAME, "else") ? Optional.of(expression()) : Optional.empty();
      value = new Expression.Conditional(condition, value, otherwise);
    }
    return value;
  }

  private Expression or() {
    Expression left = and();
    while (cursor.skip(Kind.NAME, "or")) {
      left = new Expression.Or(left, and());
    }
    return left;
  }

  private Expression and() {
    Expression left = not();
    while (cursor.skip(Kind.NAME, "and")) {
      left = new Expression.And(left, not());
    }
    return left;
  }

  private Expression not() {
    return cursor.skip(Kind.NAME, "not") ? new Expression.Not(not()) : comparison();
  }

  private Expression comparison() {
    Expression first = sum();
    List<Expression.Compared> rest = new ArrayList<>();
    while (true) {
      Token token = cursor.peek();
      if (token.kind() == Kind.OPERATOR && COMPARISONS.contains(token.text())) {
        cursor.next();
        rest.add(new Expression.Compared(token.text(), sum()));
      } else if (cursor.skip(Kind.NAME, "in")) {
        rest.add(new Expression.Compared("in", sum()));
      } else if (token.is(Kind.NAME, "not") && cursor.peek(1).is(Kind.NAME, "in")) {
        cursor.next();
        cursor.next();
        rest.add(new Expression.Compared("not in", sum()));
      } else {
        return rest.isEmpty() ? first : new Expression.Comparison(first, List.copyOf(rest));
      }
    }
  }

  private Expression sum() {
    Expression left = concatenation();
    while (nextIs("+", "-")) {
      String operator = cursor.next().text();
      left = new Expression.Arithmetic(operator, left, concatenation());
    }
    return left;
  }

  private Expression concatenation() {
    Expression left = product();
    while (nextIs("~")) {
      String operator = cursor.next().text();
      left = new Expression.Arithmetic(operator, left, product());
    }
    return left;
  }

  private Expression product() {
    Expression left = power();
    while (nextIs("*", "/", "//", "%")) {
      String operator = cursor.next().text();
      left = new Expression.Arithmetic(operator, left, power());
    }
    return left;
  }

  private Expression power() {
    Expression left = unary(true);
    while (nextIs("**")) {
      String operator = cursor.next().text();
      left = new Expression.Arithmetic(operator, left, unary(true));
    }
    return left;
  }

  private boolean nextIs(String... operators) {
    return cursor.peek().kind() == Kind.OPERATOR
        && Set.of(operators).contains(cursor.peek().text());
  }

  private Expression unary(boolean filters) {
    Expression value;
    if (cursor.skip(Kind.OPERATOR, "-")) {
      value = new Expression.Negative(unary(false));
    } else if (cursor.skip(Kind.OPERATOR, "+")) {
      value = unary(false);
    } else {
      value = postfix(primary());
    }
    return filters ? filters(value) : value;
  }

  private Expression filters(Expression start) {
    Expression value = start;
    while (true) {
      if (cursor.skip(Kind.OPERATOR, "|")) {
        String name = dotted();
        value = new Expression.Filter(value, name, optionalArguments());
      } else if (cursor.skip(Kind.NAME, "is")) {
        value = test(value);
      } else if (cursor.peek().is(Kind.OPERATOR, "(")) {
        value = new Expression.Call(value, optionalArguments());
      } else {
        return value;
      }
    }
  }

  private String dotted() {
    StringBuilder name = new StringBuilder(cursor.expect(Kind.NAME).text());
    while (cursor.skip(Kind.OPERATOR, ".")) {
      name.append('.').append(cursor.expect(Kind.NAME).text());
    }
    return name.toString();
  }

  /** A test's argument needs no parentheses: {@code x is divisibleby 3}. */
  private Expression test(Expression value) {
    boolean negated = cursor.skip(Kind.NAME, "not");
    String name = dotted();
    Arguments arguments = Arguments.NONE;
    Token next = cursor.peek();
    if (next.is(Kind.OPERATOR, "(")) {
      arguments = optionalArguments();
    } else if (switch (next.kind()) {
      case STRING, INTEGER, FLOAT -> true;
      case NAME -> !Set.of("else", "or", "and", "if", "is", "in", "not").contains(next.text());
      case OPERATOR -> next.text().equals("[") || next.text().equals("{");
      default -> false;
    }) {
      arguments = new Arguments(List.of(postfix(primary())), Map.of());
    }
    Expression test = new Expression.Test(value, name, arguments);
    return negated ? new Expression.Not(test) : test;
  }

  private Expression postfix(Expression start) {
    Expression value = start;
    while (true) {
      if (cursor.skip(Kind.OPERATOR, ".")) {
        Token name = cursor.next();
        value =
            switch (name.kind()) {
              case NAME -> new Expression.Attribute(value, name.text());
              case INTEGER ->
                  new Expression.Item(value, new Expression.Constant(Long.parseLong(name.text())));
              default -> throw cursor.error("a name is missing after '.'");
            };
      } else if (cursor.skip(Kind.OPERATOR, "[")) {
        value = subscript(value);
      } else if (cursor.peek().is(Kind.OPERATOR, "(")) {
        value = new Expression.Call(value, optionalArguments());
      } else {
        return value;
      }
    }
  }

  private Expression subscript(Expression target) {
    Optional<Expression> from = sliceEnd();
    Expression result;
    if (cursor.skip(Kind.OPERATOR, ":")) {
      Optional<Expression> to = sliceEnd();
      Optional<Expression> step = cursor.skip(Kind.OPERATOR, ":") ? sliceEnd() : Optional.empty();
      result = new Expression.Slice(target, from, to, step);
    } else {
      result =
          new Expression.Item(target, from.orElseThrow(() -> cursor.error("an index is missing")));
    }
    cursor.expect(Kind.OPERATOR, "]");
    return result;
  }

  private Optional<Expression> sliceEnd() {
    return cursor.peek().is(Kind.OPERATOR, ":") || cursor.peek().is(Kind.OPERATOR, "]")
        ? Optional.empty()
        : Optional.of(expression());
  }

  /** Arguments in parentheses, if any. */
  Arguments optionalArguments() {
    if (!cursor.skip(Kind.OPERATOR, "(")) {
      return Arguments.NONE;
    }
    List<Expression> positional = new ArrayList<>();
    Map<String, Expression> named = new LinkedHashMap<>();
    while (!cursor.skip(Kind.OPERATOR, ")")) {
      if (cursor.peek().kind() == Kind.NAME && cursor.peek(1).is(Kind.OPERATOR, "=")) {
        String name = cursor.next().text();
        cursor.next();
        named.put(name, expression());
      } else {
        positional.add(expression());
      }
      if (!cursor.peek().is(Kind.OPERATOR, ")")) {
        cursor.expect(Kind.OPERATOR, ",");
      }
    }
    return new Arguments(List.copyOf(positional), named);
  }

  private Expression primary() {
    Token token = cursor.next();
    return switch (token.kind()) {
      case NAME ->
          switch (token.text()) {
            case "true", "True" -> new Expression.Constant(true);
            case "false", "False" -> new Expression.Constant(false);
            case "none", "None" -> new Expression.Constant(None.NONE);
            default -> new Expression.Name(token.text());
          };
      case STRING -> {
        StringBuilder text = new StringBuilder(token.text());
        while (cursor.peek().kind() == Kind.STRING) {
          text.append(cursor.next().text());
        }
        yield new Expression.Constant(text.toString());
      }
      case INTEGER -> new Expression.Constant(Long.parseLong(token.text()));
      case FLOAT -> new Expression.Constant(Double.parseDouble(token.text()));
      case OPERATOR ->
          switch (token.text()) {
            case "(" -> parenthesized();
            case "[" -> new Expression.ListOf(items("]"));
            case "{" -> dict();
            default -> throw cursor.error("'" + token.text() + "' begins no expression");
          };
      default -> throw cursor.error("'" + token.text() + "' begins no expression");
    };
  }

  private Expression parenthesized() {
    if (cursor.skip(Kind.OPERATOR, ")")) {
      return new Expression.ListOf(List.of());
    }
    Expression inside = tuple();
    cursor.expect(Kind.OPERATOR, ")");
    return inside;
  }

  private List<Expression> items(String end) {
    List<Expression> items = new ArrayList<>();
    while (!cursor.skip(Kind.OPERATOR, end)) {
      items.add(expression());
      if (!cursor.peek().is(Kind.OPERATOR, end)) {
        cursor.expect(Kind.OPERATOR, ",");
      }
    }
    return List.copyOf(items);
  }

  private Expression dict() {
    List<Map.Entry<Expression, Expression>> entries = new ArrayList<>();
    while (!cursor.skip(Kind.OPERATOR, "}")) {
      Expression key = expression();
      cursor.expect(Kind.OPERATOR, ":");
      entries.add(Map.entry(key, expression()));
      if (!cursor.peek().is(Kind.OPERATOR, "}")) {
        cursor.expect(Kind.OPERATOR, ",");
      }
    }
    return new Expression.DictOf(List.copyOf(entries));
  }
}
