package dev.graft.template;

import dev.graft.template.Token.Kind;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Tokens to statements. The precedence of operators is the expression parser's. */
final class Parser {
  private final TokenCursor cursor;
  private final ExpressionParser expressions;

  private Parser(List<Token> tokens) {
    cursor = new TokenCursor(tokens);
    expressions = new ExpressionParser(cursor);
  }

  static List<Statement> parse(String template) {
    Parser parser = new Parser(Lexer.tokens(template));
    List<Statement> statements = parser.body(Set.of());
    parser.cursor.expect(Kind.END);
    return statements;
  }

  /** Statements up to a tag of one of these names, which is left for the caller. */
  private List<Statement> body(Set<String> ends) {
    List<Statement> statements = new ArrayList<>();
    while (true) {
      Token token = cursor.peek();
      switch (token.kind()) {
        case DATA -> statements.add(new Statement.Data(cursor.next().text()));
        case PRINT_BEGIN -> {
          cursor.next();
          statements.add(new Statement.Print(expressions.tuple()));
          cursor.expect(Kind.PRINT_END);
        }
        case TAG_BEGIN -> {
          if (ends.contains(cursor.peek(1).text())) {
            return List.copyOf(statements);
          }
          cursor.next();
          statements.add(tag());
        }
        case END -> {
          if (!ends.isEmpty()) {
            throw cursor.error("one of " + ends + " is missing");
          }
          return List.copyOf(statements);
        }
        default -> throw cursor.error("'" + token.text() + "' is unexpected");
      }
    }
  }

  private Statement tag() {
    Token name = cursor.expect(Kind.NAME);
    return switch (name.text()) {
      case "if" -> branches();
      case "for" -> loop();
      case "set" -> assignment();
      case "macro" -> macro();
      case "call" -> callBlock();
      case "filter" -> filterBlock();
      case "generation" -> {
        closeTag();
        yield new Statement.Scoped(bodyAndEnd("endgeneration"));
      }
      case "break" -> {
        closeTag();
        yield new Statement.Break();
      }
      case "continue" -> {
        closeTag();
        yield new Statement.Continue();
      }
      default -> throw cursor.error("the tag '" + name.text() + "' is not known");
    };
  }

  private void closeTag() {
    cursor.expect(Kind.TAG_END);
  }

  private List<Statement> bodyAndEnd(String end) {
    List<Statement> body = body(Set.of(end));
    endTag(end);
    return body;
  }

  private void endTag(String end) {
    cursor.expect(Kind.TAG_BEGIN);
    cursor.expect(Kind.NAME, end);
    closeTag();
  }

  private Statement branches() {
    List<Statement.Branch> branches = new ArrayList<>();
    Expression condition = expressions.tuple();
    while (true) {
      closeTag();
      branches.add(new Statement.Branch(condition, body(Set.of("elif", "else", "endif"))));
      cursor.expect(Kind.TAG_BEGIN);
      Token next = cursor.expect(Kind.NAME);
      if (next.text().equals("elif")) {
        condition = expressions.tuple();
      } else if (next.text().equals("else")) {
        condition = new Expression.Constant(true);
      } else {
        closeTag();
        return new Statement.If(List.copyOf(branches));
      }
    }
  }

  private Statement loop() {
    List<String> targets = targets();
    cursor.expect(Kind.NAME, "in");
    // An if that follows filters the items, it is not a conditional expression.
    Expression items = expressions.tupleWithoutConditional();
    Optional<Expression> condition =
        cursor.skip(Kind.NAME, "if") ? Optional.of(expressions.expression()) : Optional.empty();
    closeTag();
    List<Statement> body = body(Set.of("else", "endfor"));
    List<Statement> otherwise = List.of();
    if (cursor.peek(1).is(Kind.NAME, "else")) {
      endTag("else");
      otherwise = body(Set.of("endfor"));
    }
    endTag("endfor");
    return new Statement.For(targets, items, condition, body, otherwise);
  }

  /** One name, or several with commas between, in parentheses or not. */
  private List<String> targets() {
    boolean parentheses = cursor.skip(Kind.OPERATOR, "(");
    List<String> names = new ArrayList<>();
    do {
      names.add(cursor.expect(Kind.NAME).text());
    } while (cursor.skip(Kind.OPERATOR, ","));
    if (parentheses) {
      cursor.expect(Kind.OPERATOR, ")");
    }
    return List.copyOf(names);
  }

  private Statement assignment() {
    if (cursor.peek(1).is(Kind.OPERATOR, ".")) {
      String namespace = cursor.expect(Kind.NAME).text();
      cursor.expect(Kind.OPERATOR, ".");
      String attribute = cursor.expect(Kind.NAME).text();
      cursor.expect(Kind.OPERATOR, "=");
      Expression value = expressions.tuple();
      closeTag();
      return new Statement.AssignAttribute(namespace, attribute, value);
    }
    List<String> targets = targets();
    if (cursor.skip(Kind.OPERATOR, "=")) {
      Expression value = expressions.tuple();
      closeTag();
      return new Statement.Assign(targets, value);
    }
    Optional<Token> filter = Optional.empty();
    Expression.Arguments arguments = Expression.Arguments.NONE;
    if (cursor.skip(Kind.OPERATOR, "|")) {
      filter = Optional.of(cursor.expect(Kind.NAME));
      arguments = expressions.optionalArguments();
    }
    closeTag();
    List<Statement> body = bodyAndEnd("endset");
    if (filter.isPresent()) {
      body = List.of(new Statement.FilterBlock(filter.get().text(), arguments, body));
    }
    return new Statement.Capture(targets.getFirst(), body);
  }

  private Statement macro() {
    String name = cursor.expect(Kind.NAME).text();
    return signature(name, "endmacro");
  }

  /** Parameters if there are any, and the body up to its end. */
  private Statement.Macro signature(String name, String end) {
    List<String> parameters = new ArrayList<>();
    Map<String, Expression> defaults = new LinkedHashMap<>();
    if (cursor.skip(Kind.OPERATOR, "(")) {
      while (!cursor.skip(Kind.OPERATOR, ")")) {
        String parameter = cursor.expect(Kind.NAME).text();
        parameters.add(parameter);
        if (cursor.skip(Kind.OPERATOR, "=")) {
          defaults.put(parameter, expressions.expression());
        }
        if (!cursor.peek().is(Kind.OPERATOR, ")")) {
          cursor.expect(Kind.OPERATOR, ",");
        }
      }
    }
    if (end.equals("endmacro")) {
      closeTag();
      return new Statement.Macro(name, List.copyOf(parameters), defaults, bodyAndEnd(end));
    }
    return new Statement.Macro(name, List.copyOf(parameters), defaults, List.of());
  }

  private Statement callBlock() {
    Statement.Macro signature = signature("caller", "endcall");
    if (!(expressions.expression() instanceof Expression.Call call)) {
      throw cursor.error("'call' needs the call of a macro");
    }
    closeTag();
    return new Statement.CallBlock(
        call,
        new Statement.Macro(
            "caller", signature.parameters(), signature.defaults(), bodyAndEnd("endcall")));
  }

  private Statement filterBlock() {
    String name = cursor.expect(Kind.NAME).text();
    Expression.Arguments arguments = expressions.optionalArguments();
    closeTag();
    return new Statement.FilterBlock(name, arguments, bodyAndEnd("endfilter"));
  }
}
