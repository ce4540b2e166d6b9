package dev.graft.cluster;

import dev.graft.checkpoint.InvalidInputException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.dataformat.yaml.YAMLMapper;

/** A mapping of a YAML file, read key by key; each error names the file, the key and the remedy. */
public final class Fields {
  private static final YAMLMapper YAML = new YAMLMapper();

  private final String source;
  private final String path;
  private final JsonNode node;

  private Fields(String source, String path, JsonNode node) {
    this.source = source;
    this.path = path;
    this.node = node;
    if (!node.isObject()) {
      throw new InvalidInputException(
          source + (path.isEmpty() ? "" : ": " + path) + ": give a mapping of keys to values");
    }
  }

  /**
   * A file.
   *
   * @throws InvalidInputException if it is not there or no YAML mapping
   */
  public static Fields read(Path file) throws IOException {
    if (!Files.isRegularFile(file)) {
      throw new InvalidInputException(file + ": there is no such file; give a YAML file");
    }
    return parse(file.toString(), Files.readString(file));
  }

  /** Text; {@code source} names it in errors. */
  public static Fields parse(String source, String yaml) {
    try {
      return new Fields(source, "", YAML.readTree(yaml));
    } catch (JacksonException e) {
      throw new InvalidInputException(
          source
              + ": this is not YAML: "
              + e.getOriginalMessage().lines().findFirst().orElse("it cannot be read"),
          e);
    }
  }

  /** A resource file beside a class. */
  public static Fields resource(Class<?> beside, String name) {
    try (InputStream in = beside.getResourceAsStream(name)) {
      return new Fields(name, "", YAML.readTree(in));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The keys that are there. */
  public List<String> keys() {
    return List.copyOf(node.propertyNames());
  }

  /** Whether a key is there with a value. */
  public boolean has(String key) {
    return node.hasNonNull(key);
  }

  /** Refuses keys other than these. */
  public Fields only(String... known) {
    for (String key : node.propertyNames()) {
      if (!List.of(known).contains(key)) {
        throw new InvalidInputException(
            where(key)
                + " is not known; the keys here are "
                + String.join(", ", new TreeSet<>(Arrays.asList(known))));
      }
    }
    return this;
  }

  /** The mapping under a key. */
  public Fields at(String key) {
    if (!has(key)) {
      throw new InvalidInputException(where(key) + " is missing; add it");
    }
    return new Fields(source, join(key), node.path(key));
  }

  /** The mappings of a list. */
  public List<Fields> list(String key) {
    List<Fields> items = new ArrayList<>();
    JsonNode list = node.path(key);
    if (!list.isArray() || list.isEmpty()) {
      throw new InvalidInputException(where(key) + " must be a list of at least one item");
    }
    for (int i = 0; i < list.size(); i++) {
      items.add(new Fields(source, join(key) + "[" + i + "]", list.get(i)));
    }
    return items;
  }

  /** A text. */
  public String text(String key) {
    return optionalText(key)
        .orElseThrow(() -> new InvalidInputException(where(key) + " is missing; add it"));
  }

  /** A text; empty where there is none. */
  public Optional<String> optionalText(String key) {
    return has(key) ? Optional.of(node.path(key).asString()) : Optional.empty();
  }

  /** A number above 0. */
  public double positive(String key) {
    return above(key, false);
  }

  /** A number from 0 on. */
  public double notNegative(String key) {
    return above(key, true);
  }

  private double above(String key, boolean zero) {
    double value = number(key);
    if (!(value >= 0) || (value == 0 && !zero) || Double.isInfinite(value)) {
      throw new InvalidInputException(
          where(key)
              + " is "
              + node.path(key).asString()
              + "; give a number "
              + (zero ? "from 0 on" : "above 0"));
    }
    return value;
  }

  private double number(String key) {
    String text = text(key);
    try {
      return Double.parseDouble(text.replace("_", ""));
    } catch (NumberFormatException e) {
      throw new InvalidInputException(
          where(key) + " is '" + text + "'; give a number such as 312e12", e);
    }
  }

  /** A whole number from {@code least} on. */
  public int whole(String key, int least) {
    double value = number(key);
    if (value != Math.rint(value) || value < least || value > Integer.MAX_VALUE) {
      throw new InvalidInputException(
          where(key) + " is " + text(key) + "; give a whole number from " + least + " on");
    }
    return (int) value;
  }

  /** The same, or {@code otherwise} where the key is missing. */
  public int whole(String key, int least, int otherwise) {
    return has(key) ? whole(key, least) : otherwise;
  }

  /** True or false; {@code otherwise} where the key is missing. */
  public boolean flag(String key, boolean otherwise) {
    if (!has(key)) {
      return otherwise;
    }
    if (!node.path(key).isBoolean()) {
      throw new InvalidInputException(where(key) + " is " + text(key) + "; give true or false");
    }
    return node.path(key).asBoolean();
  }

  /** {@code FILE: a.b.key}. */
  public String where(String key) {
    return source + ": " + join(key);
  }

  private String join(String key) {
    return path.isEmpty() ? key : path + "." + key;
  }
}
