package dev.graft.template;

import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Jinja's tests. */
final class Tests {
  private Tests() {}

  /** {@code value is name(arguments)}. */
  static boolean holds(String name, Object value, List<Object> arguments) {
    return switch (name) {
      case "defined" -> !(value instanceof Undefined);
      case "undefined" -> value instanceof Undefined;
      case "none" -> value == None.NONE;
      case "true" -> value.equals(true);
      case "false" -> value.equals(false);
      case "boolean" -> value instanceof Boolean;
      case "integer" -> value instanceof Long;
      case "float" -> value instanceof Double;
      case "number" -> Values.isNumber(value);
      case "string" -> value instanceof String;
      case "mapping" -> value instanceof Map;
      case "callable" -> value instanceof Callable;
      case "iterable", "sequence" ->
          value instanceof String
              || value instanceof Collection
              || value instanceof Map
              || value instanceof Undefined;
      case "odd" -> Math.floorMod(Values.toNumber(value).longValue(), 2) == 1;
      case "even" -> Math.floorMod(Values.toNumber(value).longValue(), 2) == 0;
      case "divisibleby" ->
          Values.toNumber(value).longValue() % Values.toNumber(first(arguments)).longValue() == 0;
      case "lower" -> Values.string(value).equals(Values.string(value).toLowerCase(Locale.ROOT));
      case "upper" -> Values.string(value).equals(Values.string(value).toUpperCase(Locale.ROOT));
      case "eq", "equalto", "==", "sameas" -> Values.equal(value, first(arguments));
      case "ne", "!=" -> !Values.equal(value, first(arguments));
      case "lt", "lessthan" -> Values.compare(value, first(arguments)) < 0;
      case "le" -> Values.compare(value, first(arguments)) <= 0;
      case "gt", "greaterthan" -> Values.compare(value, first(arguments)) > 0;
      case "ge" -> Values.compare(value, first(arguments)) >= 0;
      case "in" -> Values.contains(first(arguments), value);
      default -> throw new TemplateException("the test '" + name + "' is not known");
    };
  }

  private static Object first(List<Object> arguments) {
    if (arguments.isEmpty()) {
      throw new TemplateException("a test needs an argument");
    }
    return arguments.getFirst();
  }
}
