package dev.graft.constrain;

import dev.graft.checkpoint.InvalidInputException;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.math.RoundingMode;
import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import tools.jackson.core.JsonPointer;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.BooleanNode;

/** A JSON Schema's keywords, read and refused where they are not kept. */
final class SchemaDocument {
  static final List<String> TYPES =
      List.of("object", "array", "string", "number", "integer", "boolean", "null");

  /** They change nothing. */
  private static final Set<String> ANNOTATIONS =
      Set.of(
          "title",
          "description",
          "default",
          "examples",
          "deprecated",
          "readOnly",
          "writeOnly",
          "$schema",
          "$id",
          "$comment",
          "$defs",
          "definitions");

  /** Keywords that are kept, and the type each is about; others are refused. */
  private static final Map<String, String> KEPT =
      Map.ofEntries(
          Map.entry("properties", "object"),
          Map.entry("required", "object"),
          Map.entry("additionalProperties", "object"),
          Map.entry("items", "array"),
          Map.entry("prefixItems", "array"),
          Map.entry("minItems", "array"),
          Map.entry("maxItems", "array"),
          Map.entry("minLength", "string"),
          Map.entry("maxLength", "string"),
          Map.entry("pattern", "string"),
          Map.entry("format", "string"),
          Map.entry("minimum", "number"),
          Map.entry("maximum", "number"),
          Map.entry("exclusiveMinimum", "number"),
          Map.entry("exclusiveMaximum", "number"));

  /** Keywords that say all of a value; only annotations and what is listed may be beside them. */
  private static final Map<String, Set<String>> ALONE =
      Map.of(
          "$ref", Set.of(),
          "anyOf", Set.of(),
          "oneOf", Set.of(),
          "allOf", Set.of(),
          "const", Set.of("type"),
          "enum", Set.of("type"));

  private final JsonNode root;

  SchemaDocument(JsonNode root) {
    this.root = root;
  }

  static Set<String> supportedKeywords() {
    TreeSet<String> all = new TreeSet<>(ANNOTATIONS);
    all.addAll(KEPT.keySet());
    all.addAll(ALONE.keySet());
    all.add("type");
    all.add("uniqueItems");
    return Collections.unmodifiableSortedSet(all);
  }

  JsonNode root() {
    return root;
  }

  static InvalidInputException refused(String pointer, String keyword, String why) {
    return new InvalidInputException(
        "response_format: the JSON Schema keyword '"
            + keyword
            + "' at "
            + pointer
            + "/"
            + escape(keyword)
            + " "
            + why
            + "; docs/constrained-decoding.md lists what is supported");
  }

  static String escape(String token) {
    return token.replace("~", "~0").replace("/", "~1");
  }

  /**
   * Refuses keywords that are not kept.
   *
   * @return which of {@link #ALONE} is there
   */
  static Optional<String> check(JsonNode schema, String pointer) {
    Optional<String> alone = Optional.empty();
    for (String keyword : schema.propertyNames()) {
      if (ALONE.containsKey(keyword)) {
        alone =
            Optional.of(
                alone.isPresent() && keyword.equals("const") ? keyword : alone.orElse(keyword));
      } else if (!ANNOTATIONS.contains(keyword)
          && !KEPT.containsKey(keyword)
          && !keyword.equals("type")) {
        if (keyword.equals("uniqueItems")) {
          if (schema.get(keyword).equals(BooleanNode.FALSE)) {
            continue;
          }
          throw refused(pointer, keyword, "is supported as false only");
        }
        throw refused(pointer, keyword, "is not supported");
      } else if (keyword.equals("$id") && !pointer.equals("#")) {
        throw refused(pointer, keyword, "is supported at the root only");
      }
    }
    if (alone.isPresent()) {
      Set<String> beside = ALONE.get(alone.get());
      for (String keyword : schema.propertyNames()) {
        if (!keyword.equals(alone.get())
            && !ANNOTATIONS.contains(keyword)
            && !beside.contains(keyword)) {
          throw refused(pointer, keyword, "is not supported beside " + alone.get());
        }
      }
    }
    return alone;
  }

  /** The types of a schema: as given, else those that its keywords are about, else all. */
  static Set<String> types(JsonNode schema, String pointer) {
    Set<String> types = new LinkedHashSet<>();
    JsonNode given = schema.path("type");
    if (given.isString()) {
      types.add(given.stringValue());
    } else if (given.isArray()) {
      given.forEach(t -> types.add(t.asString("")));
    }
    if (!given.isMissingNode()) {
      if (types.isEmpty() || !TYPES.containsAll(types)) {
        throw refused(pointer, "type", "is not one of " + TYPES + " nor a list of them");
      }
      return types;
    }
    for (String keyword : schema.propertyNames()) {
      if (KEPT.containsKey(keyword)) {
        types.add(KEPT.get(keyword));
      }
    }
    if (types.isEmpty()) {
      types.addAll(TYPES);
    }
    return types;
  }

  /** The schema that a {@code $ref} names, by its pointer {@code #/…}. */
  JsonNode resolve(String reference, String pointer) {
    JsonNode target = root;
    if (reference.startsWith("#/")) {
      try {
        String decoded =
            java.net.URLDecoder.decode(
                reference.substring(1).replace("+", "%2B"),
                java.nio.charset.StandardCharsets.UTF_8);
        target = root.at(JsonPointer.compile(decoded));
      } catch (IllegalArgumentException e) {
        throw refused(pointer, "$ref", "is '" + reference + "', which is no JSON pointer");
      }
    } else if (!reference.equals("#")) {
      throw refused(
          pointer, "$ref", "is '" + reference + "', but only #/… within the schema is supported");
    }
    if (!target.isObject() && !target.isBoolean()) {
      throw refused(pointer, "$ref", "is '" + reference + "', where there is no schema");
    }
    return target;
  }

  /** A count such as {@code minLength}. */
  static int count(JsonNode schema, String keyword, int otherwise, String pointer) {
    JsonNode value = schema.path(keyword);
    if (value.isMissingNode()) {
      return otherwise;
    }
    if (!value.isNumber()
        || value.decimalValue().signum() < 0
        || value.decimalValue().stripTrailingZeros().scale() > 0) {
      throw refused(pointer, keyword, "is not a whole number");
    }
    BigDecimal most = BigDecimal.valueOf(ExpressionPool.UNBOUNDED - 1);
    return value.decimalValue().min(most).intValueExact();
  }

  /** Smallest and largest integer. */
  static BigInteger[] bounds(JsonNode schema, String pointer) {
    BigInteger most = BigInteger.TEN.pow(JsonText.INTEGER_DIGITS).subtract(BigInteger.ONE);
    BigInteger low = most.negate();
    BigInteger high = most;
    for (String keyword : List.of("minimum", "exclusiveMinimum", "maximum", "exclusiveMaximum")) {
      JsonNode value = schema.path(keyword);
      if (value.isMissingNode()) {
        continue;
      }
      if (!value.isNumber()) {
        throw refused(pointer, keyword, "is not a number");
      }
      BigDecimal exact = value.decimalValue();
      if (exact.precision() - (long) exact.scale() > JsonText.INTEGER_DIGITS) {
        throw refused(pointer, keyword, "has more than " + JsonText.INTEGER_DIGITS + " digits");
      }
      boolean exclusive = keyword.startsWith("exclusive");
      if (keyword.toLowerCase(java.util.Locale.ROOT).endsWith("minimum")) {
        BigInteger bound =
            exclusive
                ? exact.setScale(0, RoundingMode.FLOOR).toBigInteger().add(BigInteger.ONE)
                : exact.setScale(0, RoundingMode.CEILING).toBigInteger();
        low = low.max(bound);
      } else {
        BigInteger bound =
            exclusive
                ? exact.setScale(0, RoundingMode.CEILING).toBigInteger().subtract(BigInteger.ONE)
                : exact.setScale(0, RoundingMode.FLOOR).toBigInteger();
        high = high.min(bound);
      }
    }
    return new BigInteger[] {low, high};
  }

  /** Whether a value is of a type, by JSON Schema's rule that 1.0 is an integer. */
  static boolean isOf(JsonNode value, String type) {
    return switch (type) {
      case "object" -> value.isObject();
      case "array" -> value.isArray();
      case "string" -> value.isString();
      case "number" -> value.isNumber();
      case "integer" -> value.isNumber() && value.decimalValue().stripTrailingZeros().scale() <= 0;
      case "boolean" -> value.isBoolean();
      default -> value.isNull();
    };
  }
}
