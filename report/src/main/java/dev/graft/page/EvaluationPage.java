package dev.graft.page;

import dev.graft.disk.WholeFile;
import dev.graft.events.InvalidRunException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * One self-contained HTML page of evaluations: the scores of all models beside those that the
 * Skywork-MoE report lists, subject by subject, and each model against the first one, question by
 * question.
 */
public final class EvaluationPage {
  private static final JsonMapper JSON = JsonMapper.builder().build();

  private EvaluationPage() {}

  /** Whether a file is what {@code graft eval --out} writes. */
  public static boolean describes(Path file) {
    if (!file.toString().endsWith(".json") || !Files.isRegularFile(file)) {
      return false;
    }
    try {
      return JSON.readTree(Files.readAllBytes(file)).path("results").isArray();
    } catch (IOException | JacksonException e) {
      return false;
    }
  }

  /**
   * Writes the page of some results.
   *
   * @param title of the page; blank for one made of the models' names
   * @throws InvalidRunException where a file cannot be read
   * @throws IOException where {@code out} cannot be written
   */
  public static void write(String title, List<Path> results, Path out) throws IOException {
    WholeFile.write(html(title, results.stream().map(EvaluationPage::read).toList()), out);
  }

  /**
   * Writes the page of results that are not in a file.
   *
   * @param results as {@code graft eval --out} writes them
   * @throws IOException where {@code out} cannot be written
   */
  public static void write(String title, JsonNode results, Path out) throws IOException {
    WholeFile.write(html(title, List.of(results)), out);
  }

  static String html(String title, List<JsonNode> results) {
    ObjectNode data = JsonNodeFactory.instance.objectNode();
    ArrayNode scores = JsonNodeFactory.instance.arrayNode();
    ArrayNode pairs = JsonNodeFactory.instance.arrayNode();
    for (JsonNode tree : results) {
      tree.get("results").forEach(scores::add);
      tree.path("paired").forEach(pairs::add);
    }
    Set<String> models = new LinkedHashSet<>();
    scores.forEach(score -> models.add(score.path("model").asString()));
    String heading = title.isBlank() ? String.join(", ", models) : title;
    data.put("title", heading);
    ArrayNode names = data.putArray("models");
    models.forEach(names::add);
    data.set("results", scores);
    data.set("published", published());
    data.set("pairs", pairs);
    return PageTemplate.fill(
        heading, JSON.writeValueAsString(data), PageTemplate.EVALUATION_SCRIPTS);
  }

  private static JsonNode read(Path file) {
    JsonNode tree;
    try {
      tree = JSON.readTree(Files.readAllBytes(file));
    } catch (IOException | JacksonException e) {
      throw new InvalidRunException(
          file + " cannot be read; give the file that graft eval --out wrote");
    }
    if (!tree.path("results").isArray() || tree.get("results").isEmpty()) {
      throw new InvalidRunException(
          file + " has no results; give the file that graft eval --out wrote");
    }
    return tree;
  }

  private static JsonNode published() {
    try (InputStream in = EvaluationPage.class.getResourceAsStream("skywork-moe-table-1.json")) {
      return JSON.readTree(in);
    } catch (IOException e) {
      throw new IllegalStateException("the published scores are missing from the build", e);
    }
  }
}
