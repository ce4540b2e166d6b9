package dev.graft.gguf;

import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/**
 * The metadata of a file, each value decoded when it is asked for: who wants a model's shape does
 * not wait for its vocabulary. A value asked for as another kind than it is, is an error.
 */
public final class GgufMetadata {
  private final Path file;
  private final MemorySegment data;
  private final Map<String, Long> positions;

  /**
   * Metadata in a mapped file.
   *
   * @param positions where each value begins
   */
  GgufMetadata(Path file, MemorySegment data, Map<String, Long> positions) {
    this.file = file;
    this.data = data;
    this.positions = Map.copyOf(positions);
  }

  /** Every key and value. */
  public Map<String, GgufValue> values() {
    Map<String, GgufValue> values = new LinkedHashMap<>();
    positions.forEach((key, position) -> values.put(key, value(key, position)));
    return values;
  }

  /** A string. */
  public Optional<String> text(String key) {
    return find(key, "a string", v -> v instanceof GgufValue.Text(String text) ? text : null);
  }

  /** A whole number; of an array of equal ones, as some files have per layer, that one. */
  public Optional<Long> whole(String key) {
    return find(
        key,
        "one whole number",
        v ->
            switch (v) {
              case GgufValue.Whole(long whole) -> whole;
              case GgufValue.Wholes(List<Long> wholes)
                  when wholes.stream().distinct().count() == 1 ->
                  wholes.getFirst();
              default -> null;
            });
  }

  /** A number. */
  public Optional<Double> real(String key) {
    return find(
        key,
        "a number",
        v ->
            switch (v) {
              case GgufValue.Real(double real) -> real;
              case GgufValue.Whole(long whole) -> (double) whole;
              default -> null;
            });
  }

  /** A truth value. */
  public Optional<Boolean> flag(String key) {
    return find(key, "true or false", v -> v instanceof GgufValue.Flag(boolean flag) ? flag : null);
  }

  /** An array of strings. */
  public Optional<List<String>> texts(String key) {
    return find(
        key,
        "an array of strings",
        v -> v instanceof GgufValue.Texts(List<String> texts) ? texts : null);
  }

  /** An array of whole numbers. */
  public Optional<List<Long>> wholes(String key) {
    return find(
        key,
        "an array of whole numbers",
        v -> v instanceof GgufValue.Wholes(List<Long> wholes) ? wholes : null);
  }

  /** An array of numbers. */
  public Optional<List<Float>> reals(String key) {
    return find(
        key,
        "an array of numbers",
        v -> v instanceof GgufValue.Reals(List<Float> reals) ? reals : null);
  }

  /** What a key must have. */
  public <T> T require(String key, Function<String, Optional<T>> kind) {
    return kind.apply(key)
        .orElseThrow(() ->
            new GgufFormatException(
                file + ": the metadata lacks " + key + "; make the file again from its model"));
  }

  private <T> Optional<T> find(String key, String kind, Function<GgufValue, T> as) {
    Long position = positions.get(key);
    if (position == null) {
      return Optional.empty();
    }
    T found = as.apply(value(key, position));
    if (found == null) {
      throw new GgufFormatException(
          file + ": " + key + " is not " + kind + "; make the file again from its model");
    }
    return Optional.of(found);
  }

  private GgufValue value(String key, long position) {
    return new GgufCursor(file, data, position).value(key);
  }
}
