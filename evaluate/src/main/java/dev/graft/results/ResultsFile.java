package dev.graft.results;

import dev.graft.checkpoint.CheckpointWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** All scores of a run as one JSON file. */
public final class ResultsFile {
  private ResultsFile() {}

  /** The lines of answered questions beside a results file. */
  public static Path itemsOf(Path results) {
    String name = results.getFileName().toString().replaceFirst("\\.json$", "");
    return results.resolveSibling(name + ".items.jsonl");
  }

  /** Writes the file, whole or not at all. */
  public static void write(Path file, ObjectNode results) throws IOException {
    Path part = file.resolveSibling(file.getFileName() + ".part");
    Files.writeString(
        part,
        JsonMapper.shared().writerWithDefaultPrettyPrinter().writeValueAsString(results) + "\n");
    CheckpointWriter.sync(part);
    Files.move(part, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }

  /** The scores as JSON, and what the answers of several models say together. */
  public static ObjectNode json(List<TaskScores> all, List<PairedComparison> pairs) {
    ObjectNode json = JsonMapper.shared().createObjectNode();
    ArrayNode results = json.putArray("results");
    for (TaskScores scores : all) {
      ObjectNode one = results.addObject();
      one.put("model", scores.model());
      one.put("task", scores.task().name());
      one.put("title", scores.task().title());
      one.put("version", scores.task().version());
      one.put("num_fewshot", scores.shots());
      one.put("chat", scores.chat());
      ArrayNode files = one.putArray("files");
      scores.files().forEach(files::add);
      one.put("items", scores.items().size());
      one.put("truncated", scores.truncated());
      one.put("answer_outside_choices", scores.unanswerable());
      put(one.putObject("metrics"), scores.overall());
      put(one.putObject("macro"), scores.macro());
      ObjectNode groups = one.putObject("groups");
      scores.groups().forEach((name, group) -> put(groups.putObject(name), group));
      ObjectNode subjects = one.putObject("subjects");
      scores.subjects().forEach((name, subject) -> put(subjects.putObject(name), subject));
    }
    ArrayNode paired = json.putArray("paired");
    for (PairedComparison pair : pairs) {
      ObjectNode one = paired.addObject();
      one.put("first", pair.first());
      one.put("second", pair.second());
      one.put("task", pair.task());
      one.put("items", pair.items());
      if (Double.isFinite(pair.meanDifference())) {
        one.put("mean_absolute_loglikelihood_difference", pair.meanDifference());
      }
      if (Double.isFinite(pair.meanDifferenceAmongChoices())) {
        one.put("mean_absolute_difference_among_choices", pair.meanDifferenceAmongChoices());
      }
      if (!pair.metric().isEmpty()) {
        one.put("equal_answers", pair.equalAnswers());
        one.put("metric", pair.metric());
        one.put("only_first_right", pair.onlyFirst());
        one.put("only_second_right", pair.onlySecond());
        one.put("change", pair.change());
        one.put("change_stderr", pair.changeError());
        one.put("mcnemar_p", pair.pValue());
      }
    }
    return json;
  }

  private static void put(ObjectNode json, Map<String, Estimate> estimates) {
    estimates.forEach((name, estimate) -> {
      ObjectNode one = json.putObject(name);
      one.put("value", estimate.value());
      estimate.standardError().ifPresent(error -> one.put("stderr", error));
      one.put("items", estimate.items());
    });
  }
}
