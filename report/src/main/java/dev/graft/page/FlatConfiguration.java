package dev.graft.page;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/** A nested configuration as lines: {@code optimizer.lr → 3e-4}. */
final class FlatConfiguration {
  private FlatConfiguration() {}

  static Map<String, String> of(Map<String, Object> nested) {
    Map<String, String> flat = new LinkedHashMap<>();
    nested.forEach((key, value) -> put(flat, key, value));
    return flat;
  }

  private static void put(Map<String, String> flat, String key, Object value) {
    switch (value) {
      case Map<?, ?> map when !map.isEmpty() ->
          map.forEach((inner, item) -> put(flat, key + "." + inner, item));
      case List<?> list when list.stream().anyMatch(Map.class::isInstance) -> {
        for (int i = 0; i < list.size(); i++) {
          put(flat, key + "." + i, list.get(i));
        }
      }
      case List<?> list ->
          flat.put(
              key, list.stream().map(FlatConfiguration::text).collect(Collectors.joining(", ")));
      case null, default -> flat.put(key, text(value));
    }
  }

  /** Small and large numbers as recipes write them: 3e-4, not 3.0E-4. */
  private static String text(Object value) {
    String text = String.valueOf(value);
    return value instanceof Double ? text.replace(".0E", "e").replace('E', 'e') : text;
  }
}
