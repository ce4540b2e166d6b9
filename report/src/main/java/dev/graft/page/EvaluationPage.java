package dev.graft.page;

import dev.graft.events.InvalidRunException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
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
    PageFile.write(html(title, results), out);
  }

  static String html(String title, List<Path> results) {
    List<JsonNode> scores = new ArrayList<>();
    List<JsonNode> pairs = new ArrayList<>();
    for (Path file : results) {
      JsonNode tree = read(file);
      if (!tree.path("results").isArray() || tree.get("results").isEmpty()) {
        throw new InvalidRunException(
            file + " has no results; give the file that graft eval --out wrote");
      }
      tree.get("results").forEach(scores::add);
      tree.path("paired").forEach(pairs::add);
    }
    List<String> models =
        scores.stream().map(score -> score.path("model").asString()).distinct().toList();
    String heading = title.isBlank() ? String.join(", ", models) : title;
    ObjectNode data = JsonNodeFactory.instance.objectNode();
    data.put("title", heading);
    ArrayNode names = data.putArray("models");
    models.forEach(names::add);
    ArrayNode list = data.putArray("results");
    scores.forEach(list::add);
    data.set("published", published());
    ArrayNode paired = data.putArray("pairs");
    pairs.forEach(paired::add);
    return PageTemplate.fill(
        heading, JSON.writeValueAsString(data), PageTemplate.EVALUATION_SCRIPTS);
  }

  private static JsonNode read(Path file) {
    try {
      return JSON.readTree(Files.readAllBytes(file));
    } catch (IOException | JacksonException e) {
      throw new InvalidRunException(
          file + " cannot be read; give the file that graft eval --out wrote");
    }
  }

  private static JsonNode published() {
    try (InputStream in = EvaluationPage.class.getResourceAsStream("skywork-moe-table-1.json")) {
      return JSON.readTree(in);
    } catch (IOException e) {
      throw new IllegalStateException("the published scores are missing from the build", e);
    }
  }
}
