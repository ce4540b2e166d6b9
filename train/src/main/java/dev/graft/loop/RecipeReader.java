package dev.graft.loop;

import dev.graft.checkpoint.InvalidInputException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.ObjectNode;
import tools.jackson.dataformat.yaml.YAMLMapper;

/**
 * Reads a recipe: the defaults, then the file, then {@code key=value} overrides; a key that is not
 * there is refused.
 */
public final class RecipeReader {
  /** Keys whose values are the user's own tree. */
  private static final Set<String> FREE = Set.of("spec");

  private static final YAMLMapper YAML = new YAMLMapper();

  private RecipeReader() {}

  /**
   * Reads a recipe file.
   *
   * @param overrides {@code optimizer.lr=1e-3} and the like
   * @throws InvalidInputException if a key is unknown or a value cannot be used
   */
  public static Recipe read(Path file, List<String> overrides) throws IOException {
    return bind(file.toString(), tree(file, Optional.empty(), overrides));
  }

  /** The same from text; {@code source} names it in errors. */
  public static Recipe read(String source, String yaml, List<String> overrides) {
    ObjectNode tree = defaults();
    merge(source, yaml, tree);
    overrides.forEach(override -> override(override, tree));
    return bind(source, tree);
  }

  /**
   * The keys of a recipe with its defaults, before their values are looked at.
   *
   * @param plan a file of keys that replace the recipe's, such as {@code graft plan --output}
   *     writes
   */
  public static ObjectNode tree(Path file, Optional<Path> plan, List<String> overrides)
      throws IOException {
    ObjectNode tree = defaults();
    merge(file.toString(), text(file, "recipe"), tree);
    if (plan.isPresent()) {
      merge(plan.get().toString(), text(plan.get(), "plan"), tree);
    }
    overrides.forEach(override -> override(override, tree));
    return tree;
  }

  /**
   * A recipe from its keys.
   *
   * @param source names it in errors
   * @throws InvalidInputException if a value cannot be used
   */
  public static Recipe bind(String source, ObjectNode tree) {
    return new RecipeBinder(source, tree).bind();
  }

  private static String text(Path file, String what) throws IOException {
    if (!Files.isRegularFile(file)) {
      throw new InvalidInputException(
          file + ": there is no such " + what + "; give the path of a YAML file");
    }
    return Files.readString(file);
  }

  private static void merge(String source, String yaml, ObjectNode tree) {
    JsonNode given;
    try {
      given = YAML.readTree(yaml);
    } catch (JacksonException e) {
      throw new InvalidInputException(
          source + ": this is not YAML: " + firstLine(e.getOriginalMessage()), e);
    }
    if (!(given instanceof ObjectNode object)) {
      throw new InvalidInputException(source + ": a recipe is a mapping of keys to values");
    }
    merge(source, "", tree, object);
  }

  private static void override(String override, ObjectNode tree) {
    int equals = override.indexOf('=');
    if (equals < 1) {
      throw new InvalidInputException(
          "'" + override + "': an override is written key=value, such as optimizer.lr=1e-3");
    }
    override(override.substring(0, equals), override.substring(equals + 1), tree);
  }

  /** The defaults as a tree. */
  static ObjectNode defaults() {
    try (InputStream in = RecipeReader.class.getResourceAsStream("defaults.yaml")) {
      return (ObjectNode) YAML.readTree(in);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** A recipe as a run wrote it, with its defaults; {@code source} names it in errors. */
  public static Recipe read(String source, Map<String, Object> asWritten) {
    return read(source, YAML.writeValueAsString(asWritten), List.of());
  }

  /** Keys of a recipe as YAML. */
  public static String text(ObjectNode keys) {
    return YAML.writeValueAsString(keys).replaceFirst("^---\\s*", "");
  }

  /** The recipe with its defaults, as YAML. */
  public static String print(Recipe recipe) {
    return YAML.writeValueAsString(recipe.asWritten());
  }

  private static void override(String key, String value, ObjectNode tree) {
    JsonNode parsed;
    try {
      parsed = YAML.readTree(value);
    } catch (JacksonException e) {
      throw new InvalidInputException("'" + key + "=" + value + "': the value is not YAML", e);
    }
    ObjectNode wrapped = YAML.createObjectNode();
    ObjectNode at = wrapped;
    String[] parts = key.split("\\.", -1);
    for (int i = 0; i < parts.length - 1; i++) {
      at = at.putObject(parts[i]);
    }
    at.set(parts[parts.length - 1], parsed.isMissingNode() ? YAML.nullNode() : parsed);
    merge("override " + key, "", tree, wrapped);
  }

  private static void merge(String source, String prefix, ObjectNode into, ObjectNode given) {
    for (Map.Entry<String, JsonNode> entry : given.properties()) {
      String key = entry.getKey();
      String path = prefix + key;
      JsonNode present = into.get(key);
      String top = path.contains(".") ? path.substring(0, path.indexOf('.')) : path;
      if (present == null && !FREE.contains(top)) {
        throw new InvalidInputException(
            source + ": " + path + " is not a key of a recipe" + suggestion(prefix, key, into));
      }
      boolean free = FREE.contains(path);
      if (present instanceof ObjectNode section && !free) {
        if (!(entry.getValue() instanceof ObjectNode values)) {
          throw new InvalidInputException(
              source
                  + ": "
                  + path
                  + " is a section with keys "
                  + names(section)
                  + ", not one value");
        }
        merge(source, path + ".", section, values);
      } else if (free
          && present instanceof ObjectNode section
          && entry.getValue() instanceof ObjectNode values) {
        section.setAll(values);
      } else {
        into.set(key, entry.getValue());
      }
    }
  }

  private static List<String> names(ObjectNode node) {
    return List.copyOf(node.propertyNames());
  }

  private static String suggestion(String prefix, String key, ObjectNode known) {
    return names(known).stream()
        .min(Comparator.comparingInt(name -> distance(name, key)))
        .filter(name -> distance(name, key) <= 3)
        .map(name -> "; did you mean " + prefix + name + "?")
        .orElse("; its keys there are " + names(known));
  }

  /** Levenshtein distance. */
  private static int distance(String a, String b) {
    int[] previous = new int[b.length() + 1];
    for (int j = 0; j <= b.length(); j++) {
      previous[j] = j;
    }
    for (int i = 1; i <= a.length(); i++) {
      int[] row = new int[b.length() + 1];
      row[0] = i;
      for (int j = 1; j <= b.length(); j++) {
        int substitute = previous[j - 1] + (a.charAt(i - 1) == b.charAt(j - 1) ? 0 : 1);
        row[j] = Math.min(substitute, Math.min(previous[j], row[j - 1]) + 1);
      }
      previous = row;
    }
    return previous[b.length()];
  }

  private static String firstLine(String message) {
    return message.lines().findFirst().orElse("");
  }
}
