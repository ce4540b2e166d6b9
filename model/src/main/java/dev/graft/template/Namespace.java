package dev.graft.template;

import java.util.LinkedHashMap;
import java.util.Map;

/** {@code namespace(…)}: values that a loop can change for those outside it. */
final class Namespace {
  private final Map<String, Object> values = new LinkedHashMap<>();

  Namespace(Map<String, Object> values) {
    this.values.putAll(values);
  }

  Object get(String name) {
    Object value = values.get(name);
    return value == null ? new Undefined("the namespace's '" + name + "'") : value;
  }

  void set(String name, Object value) {
    values.put(name, value);
  }
}
