package dev.graft.openai;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * The fields of a JSON object, each read with the type and range it must have; {@code null} counts
 * as absent, as the API has it. Remembers which were read, so that the others can be named.
 */
final class Fields {
  private static final JsonMapper MAPPER =
      JsonMapper.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  private final JsonNode object;
  private final String path;
  private final Set<String> read = new LinkedHashSet<>();

  private Fields(JsonNode object, String path) {
    this.object = object;
    this.path = path;
  }

  /**
   * The object that a body is.
   *
   * @throws ApiException if it is none
   */
  static Fields parse(byte[] body) {
    JsonNode node;
    try {
      node = MAPPER.readTree(Utf8.decode(body));
    } catch (JacksonException e) {
      String place =
          e.getLocation() == null
              ? ""
              : " at line "
                  + e.getLocation().getLineNr()
                  + ", column "
                  + e.getLocation().getColumnNr();
      throw ApiException.invalid(
          "the body is not valid JSON" + place + ": " + e.getOriginalMessage());
    }
    return of(node, "");
  }

  /**
   * Of an object within.
   *
   * @param path of it, for messages
   */
  static Fields of(JsonNode node, String path) {
    if (!node.isObject()) {
      throw path.isEmpty()
          ? ApiException.invalid("the body must be a JSON object")
          : ApiException.invalid(path, path + " must be an object");
    }
    return new Fields(node, path);
  }

  private String at(String name) {
    return path.isEmpty() ? name : path + "." + name;
  }

  private ApiException wrong(String name, String must) {
    String given = object.path(name).toString();
    String shown = given.length() > 60 ? given.substring(0, 57) + "..." : given;
    return ApiException.invalid(at(name), at(name) + " is " + shown + "; it must be " + must);
  }

  /** Whatever stands there. */
  Optional<JsonNode> node(String name) {
    read.add(name);
    JsonNode node = object.path(name);
    return node.isMissingNode() || node.isNull() ? Optional.empty() : Optional.of(node);
  }

  Optional<Fields> object(String name) {
    return node(name).map(node -> of(node, at(name)));
  }

  OptionalInt integer(String name, int least, int most) {
    Optional<JsonNode> node = node(name);
    if (node.isEmpty()) {
      return OptionalInt.empty();
    }
    boolean holds = node.get().isIntegralNumber() && node.get().canConvertToInt();
    if (!holds || node.get().intValue() < least || node.get().intValue() > most) {
      throw wrong(
          name,
          most == Integer.MAX_VALUE
              ? "an integer of at least " + least
              : "an integer from " + least + " to " + most);
    }
    return OptionalInt.of(node.get().intValue());
  }

  OptionalLong longInteger(String name) {
    Optional<JsonNode> node = node(name);
    if (node.isEmpty()) {
      return OptionalLong.empty();
    }
    if (!node.get().isIntegralNumber() || !node.get().canConvertToLong()) {
      throw wrong(name, "an integer of 64 bits");
    }
    return OptionalLong.of(node.get().longValue());
  }

  OptionalDouble number(String name, double least, double most) {
    Optional<JsonNode> node = node(name);
    if (node.isEmpty()) {
      return OptionalDouble.empty();
    }
    double value = node.get().isNumber() ? node.get().doubleValue() : Double.NaN;
    if (!(value >= least && value <= most)) {
      throw wrong(
          name,
          most == Double.MAX_VALUE
              ? "a number of at least " + least
              : "a number from " + least + " to " + most);
    }
    return OptionalDouble.of(value);
  }

  Optional<String> text(String name) {
    return node(name)
        .map(node -> {
          if (!node.isString()) {
            throw wrong(name, "a string");
          }
          return node.stringValue();
        });
  }

  boolean flag(String name, boolean absent) {
    Optional<JsonNode> node = node(name);
    if (node.isPresent() && !node.get().isBoolean()) {
      throw wrong(name, "true or false");
    }
    return node.map(JsonNode::booleanValue).orElse(absent);
  }

  /** A string, or a list of them. */
  List<String> strings(String name, int most) {
    Optional<JsonNode> node = node(name);
    if (node.isEmpty()) {
      return List.of();
    }
    if (node.get().isString()) {
      return List.of(node.get().stringValue());
    }
    if (!node.get().isArray() || node.get().size() > most) {
      throw wrong(name, "a string or a list of at most " + most + " strings");
    }
    List<String> strings = new ArrayList<>();
    for (JsonNode one : node.get()) {
      if (!one.isString()) {
        throw wrong(name, "a string or a list of at most " + most + " strings");
      }
      strings.add(one.stringValue());
    }
    return strings;
  }

  /** A list of token ids. */
  int[] ids(String name) {
    Optional<JsonNode> node = node(name);
    return node.isEmpty() ? new int[0] : ids(node.get(), at(name));
  }

  static int[] ids(JsonNode array, String path) {
    if (!array.isArray()) {
      throw ApiException.invalid(path, path + " must be a list of token ids");
    }
    int[] ids = new int[array.size()];
    for (int i = 0; i < ids.length; i++) {
      JsonNode id = array.get(i);
      if (!id.isIntegralNumber() || !id.canConvertToInt() || id.intValue() < 0) {
        throw ApiException.invalid(
            path, path + "[" + i + "] is " + brief(id) + "; it must be a token id");
      }
      ids[i] = id.intValue();
    }
    return ids;
  }

  private static String brief(JsonNode node) {
    String text = node.toString();
    return text.length() > 40 ? text.substring(0, 37) + "..." : text;
  }

  /** Refuses a field that asks for something that is not there, by its name. */
  void refuse(String name, String why) {
    node(name)
        .filter(node ->
            !(node.isBoolean() && !node.booleanValue()) && !(node.isArray() && node.isEmpty()))
        .ifPresent(node -> {
          throw ApiException.invalid(at(name), at(name) + " is not supported: " + why);
        });
  }

  /** Takes note of fields that change nothing here. */
  void ignore(String... names) {
    read.addAll(List.of(names));
  }

  /** Fields that nobody asked for, with their paths. */
  List<String> unread() {
    return object.propertyNames().stream()
        .filter(name -> !read.contains(name))
        .map(this::at)
        .toList();
  }
}
