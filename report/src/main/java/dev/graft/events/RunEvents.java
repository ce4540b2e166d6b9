package dev.graft.events;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import tools.jackson.core.JacksonException;

/**
 * What a run has written so far.
 *
 * @param file the events file
 * @param events in the order of the file
 */
public record RunEvents(Path file, List<Event> events) {
  public RunEvents {
    events = List.copyOf(events);
  }

  /**
   * Reads a run. A torn last line (of a run that was killed, or is being written) is passed over,
   * and so are events of names this version does not know.
   *
   * @param run a run's folder, which holds {@code events.jsonl}, or an events file
   * @throws InvalidRunException where there is no such file, or a line of it is no event
   */
  public static RunEvents read(Path run) {
    Path file = file(run);
    EventJson json = new EventJson();
    EventLines lines = new EventLines(file, json);
    List<Event> events = new ArrayList<>();
    lines.walk(line -> {
      try {
        json.event(line.object()).ifPresent(events::add);
      } catch (JacksonException e) {
        throw lines.invalid(line.number(), e);
      }
      return true;
    });
    return new RunEvents(file, events);
  }

  /**
   * Reads a run up to its first description only.
   *
   * @throws InvalidRunException as {@link #read}
   */
  public static Optional<Event.Run> description(Path run) {
    EventJson json = new EventJson();
    EventLines lines = new EventLines(file(run), json);
    AtomicReference<Optional<Event.Run>> found = new AtomicReference<>(Optional.empty());
    lines.walk(line -> {
      try {
        found.set(
            json.event(line.object())
                .filter(Event.Run.class::isInstance)
                .map(Event.Run.class::cast));
      } catch (JacksonException e) {
        throw lines.invalid(line.number(), e);
      }
      return found.get().isEmpty();
    });
    return found.get();
  }

  private static Path file(Path run) {
    return Files.isDirectory(run) ? run.resolve("events.jsonl") : run;
  }

  /** The events of one kind, in their order. */
  public <E extends Event> List<E> of(Class<E> kind) {
    return events.stream().filter(kind::isInstance).map(kind::cast).toList();
  }

  /** The run's description; the last one where a resumed run wrote it again. */
  public Optional<Event.Run> run() {
    List<Event.Run> runs = of(Event.Run.class);
    return runs.isEmpty() ? Optional.empty() : Optional.of(runs.getLast());
  }
}
