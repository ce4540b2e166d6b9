package dev.graft.template;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** Statements to text. */
final class Renderer {
  private final StringBuilder out;
  private final int depth;
  private final boolean strict;

  /** How a body ended. */
  private enum Flow {
    ON,
    BREAK,
    CONTINUE
  }

  private Renderer(StringBuilder out, int depth, boolean strict) {
    this.out = out;
    this.depth = depth;
    this.strict = strict;
  }

  /**
   * Renders.
   *
   * @param strict whether printing what is undefined is an error
   */
  static String render(List<Statement> statements, Scope scope, boolean strict) {
    Renderer renderer = new Renderer(new StringBuilder(), 0, strict);
    renderer.body(statements, scope);
    return renderer.out.toString();
  }

  private Flow body(List<Statement> statements, Scope scope) {
    for (Statement statement : statements) {
      Flow flow = statement(statement, scope);
      if (flow != Flow.ON) {
        return flow;
      }
    }
    return Flow.ON;
  }

  private Flow statement(Statement statement, Scope scope) {
    switch (statement) {
      case Statement.Data(String text) -> out.append(text);
      case Statement.Print(Expression expression) -> {
        Object value = Evaluator.value(expression, scope);
        if (strict && value instanceof Undefined undefined) {
          throw undefined.error();
        }
        out.append(Values.string(value));
      }
      case Statement.If(List<Statement.Branch> branches) -> {
        for (Statement.Branch branch : branches) {
          if (Values.truth(Evaluator.value(branch.condition(), scope))) {
            return body(branch.body(), scope);
          }
        }
      }
      case Statement.For loop -> loop(loop, scope);
      case Statement.Break() -> {
        return Flow.BREAK;
      }
      case Statement.Continue() -> {
        return Flow.CONTINUE;
      }
      case Statement.Assign(List<String> targets, Expression value) ->
          assign(targets, Evaluator.value(value, scope), scope);
      case Statement.AssignAttribute(String name, String attribute, Expression value) -> {
        if (!(scope.get(name) instanceof Namespace namespace)) {
          throw new TemplateException(
              "'" + name + "' is no namespace, so nothing in it can be set");
        }
        namespace.set(attribute, Evaluator.value(value, scope));
      }
      case Statement.Capture(String target, List<Statement> body) ->
          scope.set(target, render(body, scope.inner(), strict));
      case Statement.Macro macro -> scope.set(macro.name(), callable(macro, scope));
      case Statement.CallBlock(Expression.Call call, Statement.Macro caller) -> {
        Scope inner = scope.inner();
        Map<String, Object> named = new HashMap<>(Evaluator.named(call.arguments(), scope));
        named.put("caller", callable(caller, inner));
        if (!(Evaluator.value(call.target(), scope) instanceof Callable macro)) {
          throw new TemplateException("what 'call' names cannot be called");
        }
        out.append(Values.string(macro.call(Evaluator.positional(call.arguments(), scope), named)));
      }
      case Statement.FilterBlock(String name, Expression.Arguments arguments, List<Statement> b) ->
          out.append(
              Values.string(
                  Filters.apply(
                      name,
                      render(b, scope.inner(), strict),
                      Evaluator.positional(arguments, scope),
                      Evaluator.named(arguments, scope))));
      case Statement.Scoped(List<Statement> body) ->
          out.append(render(body, scope.inner(), strict));
    }
    return Flow.ON;
  }

  private void loop(Statement.For loop, Scope scope) {
    List<Object> items = new ArrayList<>();
    for (Object item : Values.items(Evaluator.value(loop.items(), scope))) {
      Scope inner = scope.inner();
      assign(loop.targets(), item, inner);
      if (loop.condition().isEmpty()
          || Values.truth(Evaluator.value(loop.condition().get(), inner))) {
        items.add(item);
      }
    }
    Renderer nested = new Renderer(out, depth + 1, strict);
    for (int i = 0; i < items.size(); i++) {
      Scope inner = scope.inner();
      assign(loop.targets(), items.get(i), inner);
      inner.set("loop", new Loop(items, i, depth));
      if (nested.body(loop.body(), inner) == Flow.BREAK) {
        break;
      }
    }
    if (items.isEmpty()) {
      body(loop.otherwise(), scope.inner());
    }
  }

  private static void assign(List<String> targets, Object value, Scope scope) {
    if (targets.size() == 1) {
      scope.set(targets.getFirst(), value);
      return;
    }
    List<Object> values = Values.items(value);
    if (values.size() != targets.size()) {
      throw new TemplateException(
          values.size() + " values are assigned to " + targets.size() + " names");
    }
    for (int i = 0; i < values.size(); i++) {
      scope.set(targets.get(i), values.get(i));
    }
  }

  private Callable callable(Statement.Macro macro, Scope scope) {
    return (positional, named) -> {
      Scope inner = scope.inner();
      if (positional.size() > macro.parameters().size()) {
        throw new TemplateException("the macro '" + macro.name() + "' has fewer parameters");
      }
      for (int i = 0; i < macro.parameters().size(); i++) {
        String name = macro.parameters().get(i);
        Expression absent = macro.defaults().get(name);
        if (i < positional.size()) {
          inner.set(name, positional.get(i));
        } else if (named.containsKey(name)) {
          inner.set(name, named.get(name));
        } else if (absent != null) {
          inner.set(name, Evaluator.value(absent, inner));
        } else {
          inner.set(name, new Undefined("the parameter '" + name + "'"));
        }
      }
      if (named.containsKey("caller")) {
        inner.set("caller", named.get("caller"));
      }
      return render(macro.body(), inner, strict);
    };
  }
}
