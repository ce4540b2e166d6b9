package dev.graft.constrain;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.BooleanNode;

/**
 * Whether no value is valid against two schemas at once, as {@code oneOf} needs to know: they
 * differ in type, in their constants, in a required property, or one requires what the other
 * forbids.
 */
final class Disjoint {
  private static final int DEEPEST = 12;

  /** Pairs that are looked at; alternatives within alternatives are many. */
  private static final int MOST_PAIRS = 100_000;

  private final SchemaDocument document;
  private int pairs;

  Disjoint(SchemaDocument document) {
    this.document = document;
  }

  /** True only if it is certain. */
  boolean certainly(JsonNode a, JsonNode b) {
    return certainly(a, b, DEEPEST);
  }

  private boolean certainly(JsonNode a, JsonNode b, int depth) {
    if (a.isBoolean() || b.isBoolean()) {
      return a.equals(BooleanNode.FALSE) || b.equals(BooleanNode.FALSE);
    }
    if (depth == 0 || ++pairs > MOST_PAIRS) {
      return false;
    }
    if (!alternatives(a).isEmpty()) {
      return alternatives(a).stream().allMatch(one -> certainly(one, b, depth - 1));
    }
    if (!alternatives(b).isEmpty()) {
      return certainly(b, a, depth - 1);
    }
    if (noneShared(types(a), types(b))) {
      return true;
    }
    Optional<List<JsonNode>> valuesA = values(a);
    Optional<List<JsonNode>> valuesB = values(b);
    if (valuesA.isPresent() && valuesB.isPresent()) {
      return valuesA.get().stream()
          .allMatch(x -> valuesB.get().stream().allMatch(y -> differ(x, y)));
    }
    return types(a).equals(Set.of("object"))
        && types(b).equals(Set.of("object"))
        && valuesA.isEmpty()
        && valuesB.isEmpty()
        && (propertiesDiffer(a, b, depth) || forbids(a, b) || forbids(b, a));
  }

  private List<JsonNode> alternatives(JsonNode schema) {
    List<JsonNode> all = new ArrayList<>();
    for (String keyword : List.of("anyOf", "oneOf", "allOf")) {
      schema.path(keyword).forEach(all::add);
    }
    if (schema.path("$ref").isString()) {
      all.add(document.resolve(schema.path("$ref").stringValue(), "#"));
    }
    return all;
  }

  private static Set<String> types(JsonNode schema) {
    Optional<List<JsonNode>> values = values(schema);
    if (values.isEmpty()) {
      // A validator takes any type where none is given.
      return schema.has("type")
          ? SchemaDocument.types(schema, "#")
          : Set.copyOf(SchemaDocument.TYPES);
    }
    Set<String> types = new TreeSet<>();
    for (JsonNode value : values.get()) {
      for (String type : SchemaDocument.TYPES) {
        if (SchemaDocument.isOf(value, type)) {
          types.add(type);
        }
      }
    }
    types.remove(types.contains("number") ? "integer" : "");
    return types;
  }

  private static boolean noneShared(Set<String> a, Set<String> b) {
    return a.stream().noneMatch(b::contains)
        && !(a.contains("number") && b.contains("integer"))
        && !(a.contains("integer") && b.contains("number"));
  }

  private static Optional<List<JsonNode>> values(JsonNode schema) {
    if (schema.has("const")) {
      return Optional.of(List.of(schema.get("const")));
    }
    if (schema.path("enum").isArray()) {
      List<JsonNode> all = new ArrayList<>();
      schema.path("enum").forEach(all::add);
      return Optional.of(all);
    }
    return Optional.empty();
  }

  private static boolean differ(JsonNode a, JsonNode b) {
    if (a.isNumber() && b.isNumber()) {
      return a.decimalValue().compareTo(b.decimalValue()) != 0;
    }
    if (a.isContainer() && b.isContainer()) {
      return a.isObject() != b.isObject();
    }
    return !a.equals(b);
  }

  private static Set<String> required(JsonNode schema) {
    Set<String> names = new TreeSet<>();
    schema.path("required").forEach(n -> names.add(n.asString("")));
    return names;
  }

  private boolean propertiesDiffer(JsonNode a, JsonNode b, int depth) {
    for (Map.Entry<String, JsonNode> property : a.path("properties").properties()) {
      String name = property.getKey();
      JsonNode other = b.path("properties").path(name);
      if (!other.isMissingNode()
          && required(a).contains(name)
          && required(b).contains(name)
          && certainly(property.getValue(), other, depth - 1)) {
        return true;
      }
    }
    return false;
  }

  /** Whether {@code a} requires a property that {@code b} does not have. */
  private static boolean forbids(JsonNode a, JsonNode b) {
    return b.path("additionalProperties").equals(BooleanNode.FALSE)
        && required(a).stream().anyMatch(n -> !b.path("properties").has(n));
  }
}
