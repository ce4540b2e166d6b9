package dev.graft.constrain;

import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import java.util.SplittableRandom;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Random schemas, and what a validator that we did not write says of values. */
final class Schemas {
  private static final JsonMapper JSON = JsonMapper.shared();
  private static final SchemaRegistry REGISTRY =
      SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2020_12);
  private static final String[] NAMES = {"name", "a", "ab", "é\"\n", "last name", "", "漢"};

  private Schemas() {}

  static JsonNode parse(String json) {
    return JSON.readTree(json);
  }

  static boolean valid(JsonNode schema, JsonNode value) {
    return REGISTRY
        .getSchema(schema)
        .validate(
            value,
            context -> context.executionConfig(config -> config.formatAssertionsEnabled(true)))
        .isEmpty();
  }

  /** A schema of keywords that are kept. */
  static ObjectNode random(SplittableRandom random, int depth) {
    ObjectNode schema = JSON.createObjectNode();
    switch (random.nextInt(depth == 0 ? 6 : 9)) {
      case 0 -> {
        schema.put("type", "string");
        if (random.nextBoolean()) {
          int min = random.nextInt(3);
          schema.put("minLength", min).put("maxLength", min + random.nextInt(4));
        } else {
          schema.put("maxLength", 9);
        }
      }
      case 1 -> {
        int low = random.nextInt(-300, 300);
        schema.put("type", "integer").put("minimum", low);
        if (random.nextBoolean()) {
          schema.put("exclusiveMaximum", low + 1 + random.nextInt(2000));
        }
      }
      case 2 -> schema.putArray("type").add("number").add("null").add("boolean");
      case 3 -> {
        ArrayNode values = schema.putArray("enum");
        values.add("x\ty").add(12).add(JSON.readTree("{\"k\":[1,\"é\"]}")).add(true);
      }
      case 4 -> schema.put("const", NAMES[random.nextInt(NAMES.length)]);
      case 5 -> {
        String[] patterns = {
          "^[a-z]{2,4}(-\\d+)?$", "^(yes|no|\\w\\s?)$", "^[^\\s\\d]{3}$", "^\\d{3}|.é$", "b+c"
        };
        schema.put("type", "string").put("pattern", patterns[random.nextInt(patterns.length)]);
      }
      case 6 -> {
        schema.put("type", "object");
        ObjectNode properties = schema.putObject("properties");
        ArrayNode required = schema.putArray("required");
        for (int i = random.nextInt(4); i >= 0; i--) {
          String name = NAMES[random.nextInt(NAMES.length)];
          if (!properties.has(name)) {
            properties.set(name, random(random, depth - 1));
            if (random.nextBoolean()) {
              required.add(name);
            }
          }
        }
        if (random.nextBoolean()) {
          schema.put("additionalProperties", false);
        } else if (random.nextBoolean()) {
          schema.set("additionalProperties", random(random, 0));
        }
      }
      case 7 -> {
        schema.put("type", "array");
        if (random.nextBoolean()) {
          ArrayNode prefix = schema.putArray("prefixItems");
          prefix.add(random(random, depth - 1)).add(random(random, 0));
        }
        schema.set("items", random(random, depth - 1));
        int min = random.nextInt(3);
        schema.put("minItems", min).put("maxItems", min + random.nextInt(3));
      }
      default ->
          schema.putArray("anyOf").add(random(random, depth - 1)).add(random(random, depth - 1));
    }
    return schema;
  }
}
