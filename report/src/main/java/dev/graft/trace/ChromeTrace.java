package dev.graft.trace;

import dev.graft.events.Event;
import dev.graft.events.InvalidRunException;
import dev.graft.events.RunEvents;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.TreeSet;
import tools.jackson.core.JsonGenerator;
import tools.jackson.databind.json.JsonMapper;

/**
 * The timelines of a run as a trace that Perfetto and {@code chrome://tracing} open: the JSON
 * object form of the Chrome trace-event format, a process per rank, complete events ({@code
 * "ph":"X"}) in microseconds. Steps stand where they began in the training time of the run.
 */
public final class ChromeTrace {
  private static final double MICROS = 1e6;

  private ChromeTrace() {}

  /**
   * Writes the trace; an older {@code out} stays whole until the new one is.
   *
   * @param run a run's folder or its events file
   * @return how many spans there are
   * @throws InvalidRunException where the run cannot be read or recorded no timeline
   * @throws IOException where {@code out} cannot be written
   */
  public static int write(Path run, Path out) throws IOException {
    RunEvents events = RunEvents.read(run);
    List<Event.Timeline> timelines = events.of(Event.Timeline.class);
    if (timelines.isEmpty()) {
      throw new InvalidRunException(
          "%s holds no timeline; name the steps in the recipe's timeline_steps and train again"
              .formatted(events.file()));
    }
    Path folder = out.toAbsolutePath().normalize().getParent();
    Files.createDirectories(folder);
    Path temporary =
        folder.resolve(".%s.%d.tmp".formatted(out.getFileName(), ProcessHandle.current().pid()));
    try {
      int spans;
      try (OutputStream stream = new BufferedOutputStream(Files.newOutputStream(temporary));
          JsonGenerator json = JsonMapper.shared().createGenerator(stream)) {
        spans = write(events, timelines, json);
      }
      Files.move(
          temporary, out, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
      return spans;
    } catch (IOException e) {
      throw new IOException(
          "could not write %s: %s; free some space and run it again".formatted(out, e.getMessage()),
          e);
    } finally {
      Files.deleteIfExists(temporary);
    }
  }

  private static int write(RunEvents events, List<Event.Timeline> timelines, JsonGenerator json) {
    json.writeStartObject().writeStringProperty("displayTimeUnit", "ms");
    json.writeName("traceEvents").writeStartArray();
    TreeSet<Integer> ranks = new TreeSet<>();
    int spans = 0;
    for (Event.Timeline timeline : timelines) {
      double origin = began(events, timeline.step());
      for (Event.Track track : timeline.tracks()) {
        ranks.add(track.rank());
        for (Event.Span span : track.spans()) {
          json.writeStartObject();
          json.writeStringProperty("name", title(span)).writeStringProperty("cat", span.kind());
          json.writeStringProperty("ph", "X");
          json.writeNumberProperty("ts", micros(origin + span.start()));
          json.writeNumberProperty("dur", micros(span.seconds()));
          json.writeNumberProperty("pid", track.rank()).writeNumberProperty("tid", 0);
          json.writeObjectPropertyStart("args").writeNumberProperty("step", timeline.step());
          json.writeEndObject().writeEndObject();
          spans++;
        }
      }
    }
    for (int rank : ranks) {
      name(json, rank, "process_name", "rank " + rank);
      name(json, rank, "thread_name", "step");
    }
    json.writeEndArray().writeEndObject();
    return spans;
  }

  private static String title(Event.Span span) {
    return span.kind().equals("compute") ? span.name() : span.kind() + " " + span.name();
  }

  private static double began(RunEvents events, int step) {
    return events.of(Event.Step.class).stream()
        .filter(other -> other.step() < step)
        .mapToDouble(Event.Step::seconds)
        .sum();
  }

  /** Whole nanoseconds. */
  private static double micros(double seconds) {
    return Math.round(seconds * MICROS * 1000) / 1000.0;
  }

  private static void name(JsonGenerator json, int rank, String what, String name) {
    json.writeStartObject().writeStringProperty("name", what).writeStringProperty("ph", "M");
    json.writeNumberProperty("pid", rank).writeNumberProperty("tid", 0);
    json.writeObjectPropertyStart("args").writeStringProperty("name", name);
    json.writeEndObject().writeEndObject();
  }
}
