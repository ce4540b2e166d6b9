package dev.graft.page;

import dev.graft.events.Event;
import dev.graft.events.RunEvents;
import java.nio.file.Path;
import java.util.regex.Pattern;

/**
 * A run on the page. Runs of one group differ only by seed or learning rate: they share a colour, a
 * band of mean ± spread, and a row of the table that names the best learning rate.
 *
 * @param name unique on the page
 * @param group what the run repeats; the run's own name where it is alone
 * @param path a run's folder, which holds {@code events.jsonl}, or an events file
 */
public record Series(String name, String group, Path path) {
  private static final Pattern REPETITION =
      Pattern.compile("(?:[-_](?:seed\\d+|lr\\d+(?:\\.\\d+)?(?:[eE][-+]?\\d+)?))+$");

  /**
   * Named as the run named itself, or after its folder, and grouped by that name less its {@code
   * -seed2} and {@code -lr1e-3}.
   *
   * @throws dev.graft.events.InvalidRunException where the run cannot be read
   */
  public static Series of(Path path) {
    return named(
        RunEvents.description(path).map(Event.Run::name).orElseGet(() -> fileName(path)), path);
  }

  /** Grouped by {@code name} less its {@code -seed2} and {@code -lr1e-3}. */
  public static Series named(String name, Path path) {
    return new Series(name, groupOf(name), path);
  }

  private static String groupOf(String name) {
    String group = REPETITION.matcher(name).replaceFirst("");
    return group.isEmpty() ? name : group;
  }

  private static String fileName(Path path) {
    Path absolute = path.toAbsolutePath().normalize();
    Path named =
        absolute.endsWith("events.jsonl") && absolute.getParent() != null
            ? absolute.getParent()
            : absolute;
    return named.getFileName() == null ? named.toString() : named.getFileName().toString();
  }
}
