package dev.graft.results;

import dev.graft.data.DataFolder;
import dev.graft.score.Metric;
import dev.graft.score.Outcome;
import dev.graft.task.Questions;
import dev.graft.task.Task;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Adds the answers to a task up to its scores. */
public final class TaskTally {
  private TaskTally() {}

  /**
   * The scores.
   *
   * @param parts of the task
   * @param items of each part, in the order of its questions
   */
  public static TaskScores of(
      String model,
      Task task,
      int shots,
      boolean chat,
      DataFolder folder,
      Map<String, Metric> metrics,
      List<Questions.Part> parts,
      List<List<Item>> items) {
    Map<String, Map<String, Estimate>> subjects = new LinkedHashMap<>();
    Map<String, Collection<Map<String, Estimate>>> grouped = new LinkedHashMap<>();
    List<Item> all = new ArrayList<>();
    for (int p = 0; p < parts.size(); p++) {
      Task.Subject subject = parts.get(p).subject();
      Map<String, Estimate> own = Averages.of(metrics, items.get(p));
      subjects.put(subject.name(), own);
      if (!subject.group().isEmpty()) {
        grouped.computeIfAbsent(subject.group(), key -> new ArrayList<>()).add(own);
      }
      all.addAll(items.get(p));
    }
    boolean divided = parts.size() > 1;
    Map<String, Map<String, Estimate>> groups = new LinkedHashMap<>();
    grouped.forEach((name, members) -> groups.put(name, Averages.weighted(members)));
    return new TaskScores(
        model,
        task,
        shots,
        chat,
        parts.stream()
            .map(part -> folder.root().normalize().relativize(part.file()).toString())
            .toList(),
        divided ? Averages.weighted(subjects.values()) : Averages.of(metrics, all),
        divided ? Averages.unweighted(subjects.values()) : Map.of(),
        groups,
        divided ? subjects : Map.of(),
        (int) all.stream().filter(item -> item.outcome().dropped() > 0).count(),
        (int)
            all.stream()
                .filter(item -> item.outcome() instanceof Outcome.Chosen && item.gold() < 0)
                .count(),
        List.copyOf(all));
  }
}
