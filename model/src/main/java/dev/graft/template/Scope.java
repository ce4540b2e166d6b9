package dev.graft.template;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/** Names and what they stand for, over those of the scope around. */
final class Scope {
  private final Optional<Scope> outer;
  private final Map<String, Object> values = new HashMap<>();

  Scope() {
    outer = Optional.empty();
  }

  private Scope(Scope outer) {
    this.outer = Optional.of(outer);
  }

  Scope inner() {
    return new Scope(this);
  }

  void set(String name, Object value) {
    values.put(name, value);
  }

  Object get(String name) {
    Object value = values.get(name);
    if (value != null) {
      return value;
    }
    return outer.isPresent() ? outer.get().get(name) : new Undefined("'" + name + "'");
  }
}
