package dev.graft.template;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.BinaryOperator;
import java.util.function.Predicate;

/** Jinja's filters, and transformers' {@code tojson}. */
final class Filters {
  private Filters() {}

  /** {@code value | name(positional, named)}. */
  static Object apply(
      String name, Object value, List<Object> positional, Map<String, Object> named) {
    Given given = new Given(positional, named);
    return switch (name) {
      case "trim" ->
          PythonText.strip(Values.string(value), given.get(0, "chars", None.NONE), true, true);
      case "length", "count" -> Values.length(value);
      case "tojson" -> PythonJson.dumps(value, (int) given.number(0, "indent", 0));
      case "string" -> Values.string(value);
      case "safe" -> value;
      case "upper" -> Values.string(value).toUpperCase(Locale.ROOT);
      case "lower" -> Values.string(value).toLowerCase(Locale.ROOT);
      case "capitalize" -> PythonText.capitalize(Values.string(value));
      case "title" -> PythonText.title(Values.string(value));
      case "replace" ->
          PythonText.replace(
              Values.string(value),
              Values.string(given.get(0, "old", "")),
              Values.string(given.get(1, "new", "")),
              given.number(2, "count", -1));
      case "default", "d" ->
          value instanceof Undefined
                  || (Values.truth(given.get(1, "boolean", false)) && !Values.truth(value))
              ? given.get(0, "default_value", "")
              : value;
      case "first" -> Values.items(value).stream().findFirst().orElse(new Undefined("the first"));
      case "last" -> {
        List<Object> items = Values.items(value);
        yield items.isEmpty() ? new Undefined("the last element") : items.getLast();
      }
      case "list" -> new ArrayList<>(Values.items(value));
      case "items" ->
          value instanceof Undefined
              ? List.of()
              : Methods.find(value, "items")
                  .orElseThrow(() -> new TemplateException("items needs a dict"))
                  .call(List.of(), Map.of());
      case "dictsort" -> {
        List<Object> items =
            new ArrayList<>(Values.items(apply("items", value, List.of(), Map.of())));
        items.sort((a, b) -> caseless(Values.item(a, 0L), Values.item(b, 0L)));
        yield items;
      }
      case "join" -> {
        Object attribute = given.get(1, "attribute", None.NONE);
        yield String.join(
            Values.string(given.get(0, "d", "")),
            Values.items(value).stream()
                .map(item -> attribute == None.NONE ? item : path(item, attribute))
                .map(Values::string)
                .toList());
      }
      case "map" -> map(value, given);
      case "select" -> filtered(value, item -> test(item, given, 0));
      case "reject" -> filtered(value, item -> !test(item, given, 0));
      case "selectattr" -> filtered(value, item -> test(path(item, given.first()), given, 1));
      case "rejectattr" -> filtered(value, item -> !test(path(item, given.first()), given, 1));
      case "sort" -> sorted(value, given);
      case "unique" -> {
        List<Object> seen = new ArrayList<>();
        Values.items(value).stream()
            .filter(item -> seen.stream().noneMatch(other -> Values.equal(other, item)))
            .forEach(seen::add);
        yield seen;
      }
      case "reverse" -> {
        List<Object> items = new ArrayList<>(Values.items(value));
        Collections.reverse(items);
        yield value instanceof String
            ? String.join("", items.stream().map(Values::string).toList())
            : items;
      }
      case "sum" -> reduce(value, 0L, (a, b) -> Arithmetic.apply("+", a, b));
      case "min" -> reduce(value, None.NONE, (a, b) -> Values.compare(a, b) <= 0 ? a : b);
      case "max" -> reduce(value, None.NONE, (a, b) -> Values.compare(a, b) >= 0 ? a : b);
      case "int" -> toLong(value, given.number(0, "default", 0));
      case "float" -> toDouble(value);
      case "abs" ->
          Values.toNumber(value) instanceof Long whole
              ? (Object) Math.abs(whole)
              : (Object) Math.abs(Values.toNumber(value).doubleValue());
      case "round" -> round(Values.toNumber(value).doubleValue(), given);
      case "indent" -> indent(Values.string(value), given);
      case "format" -> Arithmetic.format(Values.string(value), positional);
      case "escape", "e" ->
          Values.string(value)
              .replace("&", "&amp;")
              .replace("<", "&lt;")
              .replace(">", "&gt;")
              .replace("'", "&#39;")
              .replace("\"", "&#34;");
      default -> throw new TemplateException("the filter '" + name + "' is not known");
    };
  }

  /** What a filter was given, by place or by name. */
  private record Given(List<Object> positional, Map<String, Object> named) {
    Object get(int index, String name, Object absent) {
      return index < positional.size() ? positional.get(index) : named.getOrDefault(name, absent);
    }

    long number(int index, String name, long absent) {
      Object value = get(index, name, absent);
      return value == None.NONE ? absent : Values.toNumber(value).longValue();
    }

    Object first() {
      if (positional.isEmpty()) {
        throw new TemplateException("a filter needs an argument");
      }
      return positional.getFirst();
    }
  }

  private static List<Object> filtered(Object value, Predicate<Object> kept) {
    return new ArrayList<>(Values.items(value).stream().filter(kept).toList());
  }

  /** The test named at {@code index}, or whether the value is true where none is. */
  private static boolean test(Object item, Given given, int index) {
    if (given.positional().size() <= index) {
      return Values.truth(item);
    }
    return Tests.holds(
        Values.string(given.positional().get(index)),
        item,
        given.positional().subList(index + 1, given.positional().size()));
  }

  private static List<Object> map(Object value, Given given) {
    List<Object> mapped = new ArrayList<>();
    for (Object item : Values.items(value)) {
      if (given.named().containsKey("attribute")) {
        Object found = path(item, given.named().get("attribute"));
        mapped.add(
            found instanceof Undefined ? given.named().getOrDefault("default", found) : found);
      } else {
        mapped.add(
            apply(
                Values.string(given.first()),
                item,
                given.positional().subList(1, given.positional().size()),
                given.named()));
      }
    }
    return mapped;
  }

  /** Names with dots between, or an index. */
  private static Object path(Object item, Object attribute) {
    if (attribute instanceof Long index) {
      return Values.item(item, index);
    }
    Object at = item;
    for (Object name : PythonText.split(Values.string(attribute), ".", -1, false)) {
      boolean index = name.toString().matches("\\d+");
      at = Values.item(at, index ? (Object) Long.parseLong(name.toString()) : name);
    }
    return at;
  }

  private static List<Object> sorted(Object value, Given given) {
    Object attribute = given.get(2, "attribute", None.NONE);
    boolean exact = Values.truth(given.get(1, "case_sensitive", false));
    Comparator<Object> order =
        (a, b) -> {
          Object x = attribute == None.NONE ? a : path(a, attribute);
          Object y = attribute == None.NONE ? b : path(b, attribute);
          return exact ? Values.compare(x, y) : caseless(x, y);
        };
    List<Object> items = new ArrayList<>(Values.items(value));
    items.sort(Values.truth(given.get(0, "reverse", false)) ? order.reversed() : order);
    return items;
  }

  private static int caseless(Object a, Object b) {
    return a instanceof String x && b instanceof String y
        ? x.toLowerCase(Locale.ROOT).compareTo(y.toLowerCase(Locale.ROOT))
        : Values.compare(a, b);
  }

  private static Object reduce(Object value, Object empty, BinaryOperator<Object> operator) {
    return Values.items(value).stream().reduce(operator).orElse(empty);
  }

  private static long toLong(Object value, long otherwise) {
    try {
      return value instanceof String text
          ? (long) Double.parseDouble(text.strip())
          : Values.toNumber(value).longValue();
    } catch (NumberFormatException | TemplateException e) {
      return otherwise;
    }
  }

  private static double toDouble(Object value) {
    try {
      return value instanceof String text
          ? Double.parseDouble(text.strip())
          : Values.toNumber(value).doubleValue();
    } catch (NumberFormatException | TemplateException e) {
      return 0;
    }
  }

  private static double round(double value, Given given) {
    double scale = Math.pow(10, (double) given.number(0, "precision", 0));
    return switch (Values.string(given.get(1, "method", "common"))) {
      case "ceil" -> Math.ceil(value * scale) / scale;
      case "floor" -> Math.floor(value * scale) / scale;
      default -> Math.rint(value * scale) / scale;
    };
  }

  private static String indent(String text, Given given) {
    Object width = given.get(0, "width", 4L);
    String by = width instanceof String s ? s : " ".repeat(Values.toNumber(width).intValue());
    boolean first = Values.truth(given.get(1, "first", false));
    boolean blank = Values.truth(given.get(2, "blank", false));
    StringBuilder indented = new StringBuilder();
    List<Object> lines = PythonText.split(text, "\n", -1, false);
    for (int i = 0; i < lines.size(); i++) {
      String line = lines.get(i).toString();
      boolean moves = i == 0 ? first : blank || !line.isEmpty();
      indented.append(i == 0 ? "" : "\n").append(moves ? by : "").append(line);
    }
    return indented.toString();
  }
}
