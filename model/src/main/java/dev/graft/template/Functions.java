package dev.graft.template;

import java.time.ZonedDateTime;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The functions that a template can call. */
final class Functions {
  private Functions() {}

  static void define(Scope scope, ZonedDateTime clock) {
    scope.set("range", (Callable) (positional, _) -> range(positional));
    scope.set("dict", (Callable) (_, named) -> new LinkedHashMap<Object, Object>(named));
    scope.set("namespace", (Callable) Functions::namespace);
    scope.set("raise_exception", (Callable) (positional, _) -> raise(positional));
    scope.set(
        "strftime_now",
        (Callable) (positional, _) -> Strftime.format(clock, Values.string(positional.getFirst())));
  }

  private static List<Object> range(List<Object> ends) {
    long[] numbers = ends.stream().mapToLong(end -> Values.toNumber(end).longValue()).toArray();
    long from = numbers.length > 1 ? numbers[0] : 0;
    long to = numbers[numbers.length > 1 ? 1 : 0];
    long step = numbers.length > 2 ? numbers[2] : 1;
    if (step == 0 || Math.abs(to - from) / Math.abs(step) > 100_000) {
      throw new TemplateException("range(" + from + ", " + to + ", " + step + ") is too long");
    }
    List<Object> range = new ArrayList<>();
    for (long i = from; step > 0 ? i < to : i > to; i += step) {
      range.add(i);
    }
    return range;
  }

  private static Object namespace(List<Object> positional, Map<String, Object> named) {
    Map<String, Object> values = new LinkedHashMap<>();
    for (Object given : positional) {
      if (given instanceof Map<?, ?> map) {
        map.forEach((key, value) -> values.put(Values.string(key), value));
      }
    }
    values.putAll(named);
    return new Namespace(values);
  }

  private static Object raise(List<Object> positional) {
    throw new TemplateException(
        positional.isEmpty() ? "it gives no reason" : Values.string(positional.getFirst()));
  }
}
