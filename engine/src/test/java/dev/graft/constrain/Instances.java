package dev.graft.constrain;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** Random values that are valid against the schemas of {@link Schemas}, and their texts. */
final class Instances {
  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;
  private static final String CHARACTERS = "aZ é漢\"\\/\n\t\u0001\u007F😀\u2028{}[],:";
  private static final Map<String, List<String>> MATCHES =
      Map.of(
          "^[a-z]{2,4}(-\\d+)?$", List.of("ab", "wxyz", "abc-0", "no-1234567890"),
          "^(yes|no|\\w\\s?)$", List.of("yes", "no", "_", "Q ", "7\t"),
          "^[^\\s\\d]{3}$", List.of("abc", "\"\\/", "é漢😀"),
          "^\\d{3}|.é$", List.of("123", "123 and more", "xé", "a long\ntext, é"),
          "b+c", List.of("bc", "abbbbc\n", "{\"bc\"}"));

  private Instances() {}

  static JsonNode of(JsonNode schema, SplittableRandom random) {
    if (schema.has("enum")) {
      return schema.get("enum").get(random.nextInt(schema.get("enum").size()));
    }
    if (schema.has("const")) {
      return schema.get("const");
    }
    if (schema.has("anyOf")) {
      return of(schema.get("anyOf").get(random.nextInt(2)), random);
    }
    if (schema.get("type").isArray()) {
      return switch (random.nextInt(4)) {
        case 0 -> JSON.nullNode();
        case 1 -> JSON.booleanNode(random.nextBoolean());
        case 2 -> JSON.numberNode(random.nextInt());
        default -> JSON.numberNode(random.nextDouble(-1e6, 1e6));
      };
    }
    return switch (schema.get("type").stringValue()) {
      case "string" -> string(schema, random);
      case "integer" -> {
        int low = schema.get("minimum").intValue();
        int bound = schema.path("exclusiveMaximum").asInt(low + 100_000);
        yield JSON.numberNode(random.nextInt(low, bound));
      }
      case "object" -> object(schema, random);
      default -> array(schema, random);
    };
  }

  private static JsonNode string(JsonNode schema, SplittableRandom random) {
    if (schema.has("pattern")) {
      List<String> matches = MATCHES.get(schema.get("pattern").stringValue());
      return JSON.stringNode(matches.get(random.nextInt(matches.size())));
    }
    int min = schema.path("minLength").asInt(0);
    int length = random.nextInt(min, schema.get("maxLength").intValue() + 1);
    int[] all = CHARACTERS.codePoints().toArray();
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < length; i++) {
      text.appendCodePoint(all[random.nextInt(all.length)]);
    }
    return JSON.stringNode(text.toString());
  }

  private static JsonNode object(JsonNode schema, SplittableRandom random) {
    Set<String> required = new HashSet<>();
    schema.path("required").forEach(name -> required.add(name.stringValue()));
    ObjectNode object = JSON.objectNode();
    for (Map.Entry<String, JsonNode> property : schema.get("properties").properties()) {
      if (required.contains(property.getKey()) || random.nextBoolean()) {
        object.set(property.getKey(), of(property.getValue(), random));
      }
    }
    if (schema.path("additionalProperties").isObject()) {
      for (int i = random.nextInt(3); i > 0; i--) {
        String name = "na" + "x\n漢".substring(0, i);
        object.set(name, of(schema.get("additionalProperties"), random));
      }
    }
    return object;
  }

  private static JsonNode array(JsonNode schema, SplittableRandom random) {
    int min = schema.get("minItems").intValue();
    int length = random.nextInt(min, schema.get("maxItems").intValue() + 1);
    ArrayNode array = JSON.arrayNode();
    for (int i = 0; i < length; i++) {
      JsonNode listed = schema.path("prefixItems").path(i);
      array.add(of(listed.isMissingNode() ? schema.get("items") : listed, random));
    }
    return array;
  }

  /** As JSON, with or without a space after each comma and colon. */
  static String text(JsonNode value, SplittableRandom random) {
    List<String> parts = new ArrayList<>();
    if (value.isObject()) {
      for (Map.Entry<String, JsonNode> property : value.properties()) {
        String name = text(JSON.stringNode(property.getKey()), random);
        parts.add(name + spaced(":", random) + text(property.getValue(), random));
      }
    } else if (value.isArray()) {
      value.forEach(item -> parts.add(text(item, random)));
    } else {
      return JsonMapper.shared().writeValueAsString(value);
    }
    StringBuilder all = new StringBuilder(value.isObject() ? "{" : "[");
    for (int i = 0; i < parts.size(); i++) {
      all.append(i == 0 ? "" : spaced(",", random)).append(parts.get(i));
    }
    return all.append(value.isObject() ? "}" : "]").toString();
  }

  private static String spaced(String mark, SplittableRandom random) {
    return random.nextBoolean() ? mark : mark + " ";
  }
}
