package dev.graft.results;

import dev.graft.task.Task;
import java.util.List;
import java.util.Map;

/**
 * The scores of a model on a task.
 *
 * @param model its name
 * @param task the benchmark
 * @param shots examples before each question
 * @param chat whether the prompts were conversations
 * @param files that the questions are from, below the folder of data
 * @param overall over all questions, by metric; of parts: weighted by their size
 * @param macro the mean over the parts, each counting the same; empty if there are none
 * @param groups over the parts of a group, weighted by their size, by group and metric
 * @param subjects each part's own, by subject and metric
 * @param truncated questions whose prompt was longer than the context
 * @param unanswerable questions whose right answer is not among their choices; they count as wrong
 * @param items all answered questions, in their order
 */
public record TaskScores(
    String model,
    Task task,
    int shots,
    boolean chat,
    List<String> files,
    Map<String, Estimate> overall,
    Map<String, Estimate> macro,
    Map<String, Map<String, Estimate>> groups,
    Map<String, Map<String, Estimate>> subjects,
    int truncated,
    int unanswerable,
    List<Item> items) {}
