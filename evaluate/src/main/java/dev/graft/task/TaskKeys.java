package dev.graft.task;

import dev.graft.checkpoint.InvalidInputException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * A mapping of a task's file, read key by key. Each read makes a key known; {@link #refuseOthers}
 * refuses what nobody asked for.
 */
final class TaskKeys {
  private final String place;
  private final ObjectNode node;
  private final Set<String> known = new LinkedHashSet<>();

  /**
   * Keys of a node.
   *
   * @param place file and key, for errors
   */
  TaskKeys(String place, JsonNode node) {
    this.place = place;
    if (!(node instanceof ObjectNode object)) {
      throw new InvalidInputException(place + " must be a mapping of keys to values");
    }
    this.node = object;
  }

  String place(String key) {
    return place + ": " + key;
  }

  Optional<JsonNode> node(String key) {
    known.add(key);
    JsonNode value = node.get(key);
    return value == null || value.isNull() ? Optional.empty() : Optional.of(value);
  }

  Optional<TaskKeys> section(String key) {
    return node(key).map(value -> new TaskKeys(place(key), value));
  }

  String text(String key) {
    return text(key, Optional.empty());
  }

  String text(String key, String absent) {
    return text(key, Optional.of(absent));
  }

  private String text(String key, Optional<String> absent) {
    Optional<JsonNode> value = node(key);
    if (value.isPresent() && !value.get().isValueNode()) {
      throw new InvalidInputException(place(key) + " must be one value");
    }
    return value
        .map(JsonNode::asString)
        .or(() -> absent)
        .orElseThrow(() -> new InvalidInputException(place + ": the key " + key + " is missing"));
  }

  int number(String key, int absent, int least) {
    Optional<JsonNode> value = node(key);
    if (value.isEmpty()) {
      return absent;
    }
    if (!value.get().isInt() || value.get().intValue() < least) {
      throw new InvalidInputException(
          place(key) + " is " + value.get() + "; it must be a whole number of at least " + least);
    }
    return value.get().intValue();
  }

  double decimal(String key, double absent) {
    Optional<JsonNode> value = node(key);
    if (value.isEmpty()) {
      return absent;
    }
    if (!value.get().isNumber() || value.get().doubleValue() < 0) {
      throw new InvalidInputException(
          place(key) + " is " + value.get() + "; it must be a number of at least 0");
    }
    return value.get().doubleValue();
  }

  /** Strings; one alone may stand without brackets. */
  List<String> texts(String key) {
    Optional<JsonNode> value = node(key);
    List<String> texts = new ArrayList<>();
    if (value.isPresent()) {
      for (JsonNode one : value.get().isArray() ? value.get() : List.of(value.get())) {
        if (!one.isValueNode()) {
          throw new InvalidInputException(place(key) + " must be a text or a list of texts");
        }
        texts.add(one.asString());
      }
    }
    return List.copyOf(texts);
  }

  List<TaskKeys> sections(String key) {
    List<TaskKeys> sections = new ArrayList<>();
    Optional<JsonNode> value = node(key);
    if (value.isPresent()) {
      if (!value.get().isArray()) {
        throw new InvalidInputException(place(key) + " must be a list");
      }
      int number = 0;
      for (JsonNode one : value.get()) {
        sections.add(new TaskKeys(place(key) + "[" + number++ + "]", one));
      }
    }
    return sections;
  }

  /** One of the constants, by its name in lower case. */
  <E extends Enum<E>> E choice(String key, Class<E> type, E absent) {
    String given = text(key, absent.name());
    List<String> names = new ArrayList<>();
    for (E constant : type.getEnumConstants()) {
      if (constant.name().equalsIgnoreCase(given)) {
        return constant;
      }
      names.add(constant.name().toLowerCase(Locale.ROOT));
    }
    throw new InvalidInputException(
        place(key) + " is " + given + "; it must be one of " + String.join(", ", names));
  }

  /** All keys that nobody asked for, as arguments of something that knows them. */
  Map<String, Object> rest() {
    Map<String, Object> rest = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> entry : node.properties()) {
      if (known.add(entry.getKey())) {
        rest.put(entry.getKey(), value(entry.getValue()));
      }
    }
    return rest;
  }

  private static Object value(JsonNode node) {
    if (node.isArray()) {
      List<Object> list = new ArrayList<>();
      node.forEach(element -> list.add(value(element)));
      return list;
    }
    if (node.isObject()) {
      Map<String, Object> map = new LinkedHashMap<>();
      node.properties().forEach(field -> map.put(field.getKey(), value(field.getValue())));
      return map;
    }
    return node.isIntegralNumber()
        ? (Object) node.longValue()
        : node.isNumber()
            ? (Object) node.doubleValue()
            : node.isBoolean() ? (Object) node.booleanValue() : node.asString("");
  }

  void refuseOthers() {
    for (String key : node.propertyNames()) {
      if (!known.contains(key)) {
        throw new InvalidInputException(
            place + ": " + key + " is not a key of a task; the keys there are " + known);
      }
    }
  }
}
