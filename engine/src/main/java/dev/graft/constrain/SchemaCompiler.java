package dev.graft.constrain;

import static dev.graft.constrain.SchemaDocument.escape;
import static dev.graft.constrain.SchemaDocument.refused;

import dev.graft.checkpoint.InvalidInputException;
import java.math.BigInteger;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.BooleanNode;

/**
 * Turns a JSON Schema into an expression. A {@code $ref}, and what is inside a value that may be
 * anything, is a rule, of which {@link #DEEPEST} may be inside each other; a rule that could not be
 * finished within what is left of that is impossible, so that no text is led to where it cannot
 * end.
 */
final class SchemaCompiler {
  /** Rules inside each other. */
  private static final int DEEPEST = 32;

  /** Schemas inside each other, without {@code $ref}. */
  private static final int MOST_NESTED = 100;

  /** Characters of a schema as JSON. */
  private static final int LONGEST = 100_000;

  private static final int MOST_PROPERTIES = 1_000;

  /** Of any JSON value. */
  private static final String ANY = "any";

  private final SchemaDocument document;
  private final ExpressionPool pool = new ExpressionPool();
  private final JsonText json = new JsonText(pool);
  private final Map<String, String> rulePointers = new HashMap<>();
  private final Deque<String> unseen = new ArrayDeque<>();

  /** Of each rule that can be finished: how many must be allowed inside each other, at least. */
  private final Map<String, Integer> least = new HashMap<>();

  /** Whether rules count as possible until it is known which are. */
  private boolean looking = true;

  private SchemaCompiler(SchemaDocument document) {
    this.document = document;
  }

  static SchemaCompiler of(JsonNode schema) {
    if (!schema.isObject() && !schema.isBoolean()) {
      throw new InvalidInputException(
          "response_format: the JSON Schema is not a JSON object; give one such as {\"type\":"
              + " \"object\", …}");
    }
    int length = schema.toString().length();
    if (length > LONGEST) {
      throw new InvalidInputException(
          "response_format: the JSON Schema has "
              + length
              + " characters, more than the "
              + LONGEST
              + " that are supported; shorten it");
    }
    return new SchemaCompiler(new SchemaDocument(schema));
  }

  JsonGrammar grammar() {
    value(document.root(), "#", DEEPEST, 0);
    Set<String> rules = new HashSet<>();
    while (!unseen.isEmpty()) {
      String rule = unseen.pop();
      if (rules.add(rule)) {
        body(rule, DEEPEST);
      }
    }
    looking = false;
    for (int depth = 1; depth <= DEEPEST; depth++) {
      Map<String, Integer> found = new HashMap<>();
      for (String rule : rules) {
        if (!least.containsKey(rule) && !(body(rule, depth) instanceof Expression.Nothing)) {
          found.put(rule, depth);
        }
      }
      least.putAll(found);
      if (found.isEmpty()) {
        break;
      }
    }
    Expression root = value(document.root(), "#", DEEPEST, 0);
    if (root instanceof Expression.Nothing) {
      throw new InvalidInputException(
          "response_format: no JSON is valid against the JSON Schema; look for bounds that"
              + " contradict each other, or a $ref that requires itself without end");
    }
    return new JsonGrammar(new Automaton(pool, root, this::body));
  }

  private Expression rule(String name, String pointer, int depth) {
    if (looking) {
      rulePointers.putIfAbsent(name, pointer);
      unseen.push(name);
    } else if (least.getOrDefault(name, Integer.MAX_VALUE) > depth) {
      return pool.nothing();
    }
    return pool.rule(name, depth);
  }

  /** What a rule says, where {@code depth} rules may be inside each other, it included. */
  private Expression body(String rule, int depth) {
    return rule.equals(ANY)
        ? any(depth - 1)
        : value(document.resolve(rule, rulePointers.get(rule)), rule, depth - 1, 0);
  }

  private Expression any(int depth) {
    Expression inside = rule(ANY, "#", depth);
    return pool.choice(
        pool.text("null"),
        bool(),
        json.number(),
        json.string(0, ExpressionPool.UNBOUNDED),
        array(List.of(), Optional.of(inside), 0, ExpressionPool.UNBOUNDED),
        object(List.of(), Optional.of(inside)));
  }

  private Expression bool() {
    return pool.choice(pool.text("true"), pool.text("false"));
  }

  private Expression value(JsonNode schema, String pointer, int depth, int nested) {
    if (nested > MOST_NESTED) {
      throw new InvalidInputException(
          "response_format: the JSON Schema is nested deeper than "
              + MOST_NESTED
              + " at "
              + pointer
              + "; use $defs and $ref");
    }
    if (schema.isBoolean()) {
      return schema.equals(BooleanNode.TRUE) ? rule(ANY, pointer, depth) : pool.nothing();
    }
    if (!schema.isObject()) {
      throw new InvalidInputException(
          "response_format: at "
              + pointer
              + " of the JSON Schema there must be a schema: an object,"
              + " true or false");
    }
    Optional<String> alone = SchemaDocument.check(schema, pointer);
    if (alone.isPresent()) {
      return alone(alone.get(), schema, pointer, depth, nested);
    }
    Set<String> types = SchemaDocument.types(schema, pointer);
    List<Expression> parts = new ArrayList<>();
    for (String type : types) {
      parts.add(
          switch (type) {
            case "object" -> object(schema, pointer, depth, nested);
            case "array" -> array(schema, pointer, depth, nested);
            case "string" -> string(schema, pointer);
            case "number" -> number(schema, pointer);
            case "integer" -> integer(schema, pointer);
            case "boolean" -> bool();
            default -> pool.text("null");
          });
    }
    return pool.choice(parts);
  }

  private Expression alone(String keyword, JsonNode schema, String pointer, int depth, int nested) {
    JsonNode given = schema.get(keyword);
    return switch (keyword) {
      case "$ref" -> reference(given, pointer, depth);
      case "const" -> values(schema, List.of(given), pointer);
      case "enum" -> values(schema, listed(given, keyword, pointer, "values"), pointer);
      default -> {
        List<JsonNode> schemas = listed(given, keyword, pointer, "schemas");
        if (keyword.equals("allOf") && schemas.size() > 1) {
          throw refused(pointer, keyword, "is supported with one schema only");
        }
        if (keyword.equals("oneOf")) {
          oneOf(given, pointer);
        }
        List<Expression> parts = new ArrayList<>();
        for (int i = 0; i < schemas.size(); i++) {
          parts.add(value(schemas.get(i), pointer + "/" + keyword + "/" + i, depth, nested + 1));
        }
        yield pool.choice(parts);
      }
    };
  }

  private Expression reference(JsonNode given, String pointer, int depth) {
    if (!given.isString()) {
      throw refused(pointer, "$ref", "is not a string");
    }
    document.resolve(given.stringValue(), pointer);
    return rule(given.stringValue(), pointer, depth);
  }

  private static List<JsonNode> listed(
      JsonNode given, String keyword, String pointer, String what) {
    if (!given.isArray() || given.isEmpty()) {
      throw refused(pointer, keyword, "is not a list of " + what);
    }
    return List.copyOf(given.values());
  }

  private void oneOf(JsonNode given, String pointer) {
    Disjoint disjoint = new Disjoint(document);
    for (int i = 0; i < given.size(); i++) {
      for (int j = 0; j < i; j++) {
        if (!disjoint.certainly(given.get(j), given.get(i))) {
          throw refused(
              pointer,
              "oneOf",
              "has schemas ("
                  + j
                  + " and "
                  + i
                  + ") that are not certain to exclude each other; use anyOf, or give both a required"
                  + " property with different const");
        }
      }
    }
  }

  private Expression values(JsonNode schema, List<JsonNode> values, String pointer) {
    Set<String> types = schema.has("type") ? SchemaDocument.types(schema, pointer) : Set.of();
    List<Expression> parts = new ArrayList<>();
    for (JsonNode value : values) {
      if (types.isEmpty() || types.stream().anyMatch(t -> SchemaDocument.isOf(value, t))) {
        parts.add(json.literal(value));
      }
    }
    return pool.choiceByBeginning(parts);
  }

  private Expression string(JsonNode schema, String pointer) {
    int min = SchemaDocument.count(schema, "minLength", 0, pointer);
    int max = SchemaDocument.count(schema, "maxLength", ExpressionPool.UNBOUNDED, pointer);
    boolean counted = schema.has("minLength") || schema.has("maxLength");
    if (schema.has("format")) {
      String name = schema.get("format").asString("");
      StringFormat format =
          StringFormat.named(name)
              .orElseThrow(() ->
                  refused(
                      pointer,
                      "format",
                      "is '" + name + "', which is not one of " + StringFormat.known()));
      if (counted || schema.has("pattern")) {
        throw refused(pointer, "format", "is not supported beside pattern or a length");
      }
      return json.quoted(RegularPattern.of(pool, json, format.pattern(), pointer + "/format"));
    }
    if (schema.has("pattern")) {
      if (!schema.get("pattern").isString()) {
        throw refused(pointer, "pattern", "is not a string");
      }
      if (counted) {
        throw refused(pointer, "pattern", "is not supported beside a length; count in the pattern");
      }
      return json.quoted(
          RegularPattern.of(pool, json, schema.get("pattern").stringValue(), pointer + "/pattern"));
    }
    return json.string(min, max);
  }

  private Expression number(JsonNode schema, String pointer) {
    for (String keyword : List.of("minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum")) {
      if (schema.has(keyword)) {
        throw refused(pointer, keyword, "is supported for type integer only");
      }
    }
    return json.number();
  }

  private Expression integer(JsonNode schema, String pointer) {
    BigInteger[] bounds = SchemaDocument.bounds(schema, pointer);
    return json.integer(bounds[0], bounds[1]);
  }

  private Expression array(JsonNode schema, String pointer, int depth, int nested) {
    List<Expression> prefix = new ArrayList<>();
    JsonNode first = schema.path("prefixItems");
    if (!first.isMissingNode() && !first.isArray()) {
      throw refused(pointer, "prefixItems", "is not a list of schemas");
    }
    for (int i = 0; i < first.size(); i++) {
      prefix.add(value(first.get(i), pointer + "/prefixItems/" + i, depth, nested + 1));
    }
    JsonNode items = schema.path("items");
    Optional<Expression> rest = Optional.empty();
    if (!items.isMissingNode()) {
      rest = Optional.of(value(items, pointer + "/items", depth, nested + 1));
    } else if (prefix.isEmpty()) {
      rest = Optional.of(rule(ANY, pointer, depth));
    }
    int min = SchemaDocument.count(schema, "minItems", 0, pointer);
    int max = SchemaDocument.count(schema, "maxItems", ExpressionPool.UNBOUNDED, pointer);
    return array(prefix, rest, min, max);
  }

  private Expression array(List<Expression> prefix, Optional<Expression> rest, int min, int max) {
    int listed = prefix.size();
    int more = max == ExpressionPool.UNBOUNDED ? max : max - listed;
    // What follows the prefix, with a comma before each.
    Expression tail =
        more < 0
            ? pool.nothing()
            : pool.repeat(
                rest.isEmpty() ? pool.nothing() : pool.sequence(json.comma(), rest.get()),
                Math.max(0, min - listed),
                more);
    Expression all = tail;
    if (listed == 0) {
      Expression others =
          pool.sequence(
              rest.orElse(pool.nothing()),
              pool.repeat(
                  pool.sequence(json.comma(), rest.orElse(pool.nothing())),
                  Math.max(0, min - 1),
                  max == ExpressionPool.UNBOUNDED ? max : max - 1));
      all =
          pool.choice(min == 0 ? pool.empty() : pool.nothing(), max == 0 ? pool.nothing() : others);
    }
    for (int i = listed - 1; i >= 0; i--) {
      Expression item = i == 0 ? prefix.get(0) : pool.sequence(json.comma(), prefix.get(i));
      Expression on = i < max ? pool.sequence(item, all) : pool.nothing();
      all = pool.choice(on, i >= min ? pool.empty() : pool.nothing());
    }
    return min > max ? pool.nothing() : pool.sequence(pool.text("["), all, pool.text("]"));
  }

  /** A property that is listed. */
  private record Property(String name, Expression value, boolean required) {}

  private Expression object(JsonNode schema, String pointer, int depth, int nested) {
    JsonNode given = schema.path("properties");
    if (!given.isMissingNode() && !given.isObject()) {
      throw refused(pointer, "properties", "is not an object of schemas");
    }
    Set<String> required = required(schema, pointer);
    JsonNode others = schema.path("additionalProperties");
    Optional<Expression> additional = Optional.empty();
    if (!others.isMissingNode()) {
      additional = Optional.of(value(others, pointer + "/additionalProperties", depth, nested + 1));
    } else if (given.isMissingNode() && required.isEmpty()) {
      additional = Optional.of(rule(ANY, pointer, depth));
    }
    Map<String, Property> all = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> property : given.properties()) {
      String name = property.getKey();
      Expression value =
          value(property.getValue(), pointer + "/properties/" + escape(name), depth, nested + 1);
      all.put(name, new Property(name, value, required.contains(name)));
    }
    for (String name : required) {
      if (!all.containsKey(name)) {
        Expression value = additional.orElseGet(() -> rule(ANY, pointer, depth));
        all.put(name, new Property(name, value, true));
      }
    }
    if (all.size() > MOST_PROPERTIES) {
      throw refused(pointer, "properties", "has more than " + MOST_PROPERTIES + " properties");
    }
    return object(List.copyOf(all.values()), additional);
  }

  private static Set<String> required(JsonNode schema, String pointer) {
    JsonNode given = schema.path("required");
    Set<String> names = new java.util.LinkedHashSet<>();
    if (!given.isMissingNode() && !given.isArray()) {
      throw refused(pointer, "required", "is not a list of names");
    }
    for (JsonNode name : given) {
      if (!name.isString()) {
        throw refused(pointer, "required", "is not a list of names");
      }
      names.add(name.stringValue());
    }
    return names;
  }

  /** Properties in their order, then others. */
  private Expression object(List<Property> properties, Optional<Expression> additional) {
    Expression others = pool.empty();
    Expression firstOthers = pool.empty();
    if (additional.isPresent()) {
      Set<String> names = new HashSet<>();
      properties.forEach(p -> names.add(p.name()));
      Expression pair = pool.sequence(json.stringExcept(names), json.colon(), additional.get());
      others = pool.repeat(pool.sequence(json.comma(), pair), 0, ExpressionPool.UNBOUNDED);
      firstOthers = pool.optional(pool.sequence(pair, others));
    }
    // From the last property on: what follows another pair, and what begins the object.
    Expression following = pool.sequence(others, pool.text("}"));
    Expression first = pool.sequence(firstOthers, pool.text("}"));
    for (Property property : properties.reversed()) {
      Expression pair =
          pool.sequence(json.string(property.name()), json.colon(), property.value(), following);
      Expression later = pool.sequence(json.comma(), pair);
      first = property.required() ? pair : pool.choice(pair, first);
      following = property.required() ? later : pool.choice(later, following);
    }
    return pool.sequence(pool.text("{"), first);
  }
}
