package dev.graft.events;

import java.util.Map;
import java.util.Optional;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.MapperFeature;
import tools.jackson.databind.PropertyNamingStrategies;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * One event ⇄ one line of JSON. Fields are the record's components in snake_case, in their order,
 * after {@code "event"}. A finite double is written as the shortest decimal that reads back bit for
 * bit; NaN and the infinities, for which JSON has no number, as the strings {@code "NaN"}, {@code
 * "Infinity"} and {@code "-Infinity"}.
 */
final class EventJson {
  private static final Map<String, Class<? extends Event>> TYPES =
      Map.of(
          "run", Event.Run.class,
          "step", Event.Step.class,
          "validation", Event.Validation.class,
          "similarity", Event.Similarity.class,
          "sample", Event.Sample.class,
          "communication", Event.Communication.class,
          "timeline", Event.Timeline.class,
          "memory", Event.Memory.class,
          "checkpoint", Event.Saved.class);

  private final JsonMapper json =
      JsonMapper.builder()
          .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
          .disable(MapperFeature.SORT_PROPERTIES_ALPHABETICALLY)
          .enable(DeserializationFeature.FAIL_ON_MISSING_CREATOR_PROPERTIES)
          .enable(DeserializationFeature.FAIL_ON_NULL_CREATOR_PROPERTIES)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .disable(StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION)
          .build();

  String line(Event event) {
    ObjectNode object = json.createObjectNode().put("event", name(event));
    object.setAll((ObjectNode) json.valueToTree(event));
    return json.writeValueAsString(object) + "\n";
  }

  private static String name(Event event) {
    return switch (event) {
      case Event.Run _ -> "run";
      case Event.Step _ -> "step";
      case Event.Validation _ -> "validation";
      case Event.Similarity _ -> "similarity";
      case Event.Sample _ -> "sample";
      case Event.Communication _ -> "communication";
      case Event.Timeline _ -> "timeline";
      case Event.Memory _ -> "memory";
      case Event.Saved _ -> "checkpoint";
    };
  }

  /** Throws {@link JacksonException} where the bytes are not one whole JSON object. */
  ObjectNode object(byte[] line) {
    if (json.readTree(line) instanceof ObjectNode object) {
      return object;
    }
    throw new NotAnObject();
  }

  /** Empty for an event whose name this version does not know. */
  Optional<Event> event(ObjectNode object) {
    JsonNode name = object.path("event");
    Class<? extends Event> type = name.isString() ? TYPES.get(name.stringValue()) : null;
    return type == null ? Optional.empty() : Optional.of(json.treeToValue(object, type));
  }

  private static final class NotAnObject extends JacksonException {
    private static final long serialVersionUID = 1L;

    NotAnObject() {
      super("it is not a JSON object");
    }
  }
}
