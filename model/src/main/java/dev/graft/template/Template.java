package dev.graft.template;

import java.time.ZonedDateTime;
import java.util.List;
import java.util.Map;

/**
 * A chat template: Jinja 2 with {@code trim_blocks}, {@code lstrip_blocks} and loop controls, with
 * {@code raise_exception}, {@code strftime_now}, {@code generation} blocks and a {@code tojson}
 * that does not escape for HTML, as transformers renders it. Values that a template prints are
 * never read as templates themselves. Immutable.
 */
public final class Template {
  private final List<Statement> statements;

  private Template(List<Statement> statements) {
    this.statements = statements;
  }

  /**
   * Reads a template.
   *
   * @throws TemplateException if it is not one, or needs a part of Jinja that chat templates do
   *     without
   */
  public static Template parse(String source) {
    return new Template(Parser.parse(source));
  }

  /**
   * Renders it.
   *
   * @param variables strings, numbers, booleans, lists and maps by name
   * @param clock what {@code strftime_now} prints
   * @throws TemplateException if the template calls {@code raise_exception} or takes something for
   *     what it is not
   */
  public String render(Map<String, ?> variables, ZonedDateTime clock) {
    Scope scope = new Scope();
    Functions.define(scope, clock);
    variables.forEach((name, value) -> scope.set(name, Values.of(value)));
    return Renderer.render(statements, scope.inner(), false);
  }

  /**
   * Renders it as Jinja does with {@code StrictUndefined}: what has no value is not printed as
   * nothing. It has no clock.
   *
   * @param variables strings, numbers, booleans, lists and maps by name
   * @throws TemplateException also if the template prints a name that is not there
   */
  public String renderStrictly(Map<String, ?> variables) {
    Scope scope = new Scope();
    variables.forEach((name, value) -> scope.set(name, Values.of(value)));
    return Renderer.render(statements, scope.inner(), true);
  }
}
