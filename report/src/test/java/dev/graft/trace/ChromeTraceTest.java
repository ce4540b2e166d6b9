package dev.graft.trace;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.graft.events.Event;
import dev.graft.events.EventLog;
import dev.graft.events.InvalidRunException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** What the description of the trace-event format asks of a file, and that nothing is lost. */
class ChromeTraceTest {
  @TempDir Path folder;

  private Path run(Event... events) throws IOException {
    Path run = folder.resolve("run");
    try (EventLog log = EventLog.append(run.resolve("events.jsonl"))) {
      for (Event event : events) {
        log.write(event);
      }
    }
    return run;
  }

  private static Event.Step step(int step, double seconds) {
    return new Event.Step(step, 64L * step, 2, 0, 0, 1e-3, 1, seconds, 64, 0.1, 1, List.of());
  }

  private static Event.Timeline timeline(int step) {
    return new Event.Timeline(
        step,
        List.of(
            new Event.Track(
                0,
                List.of(
                    new Event.Span("compute", "forward 0", 0.001, 0.25),
                    new Event.Span("all-reduce", "tensor", 0.1, 0.05),
                    new Event.Span("all-reduce", "data", 0.3, 0.125))),
            new Event.Track(1, List.of(new Event.Span("pipeline-wait", "pipeline", 0.002, 0.2)))));
  }

  @Test
  void everySpanIsACompleteEventOfItsRank() throws IOException {
    Path out = folder.resolve("deep/trace.json");
    int spans =
        ChromeTrace.write(
            run(step(1, 2.5), step(2, 0.5), timeline(2), step(3, 0.5), timeline(3)), out);
    assertEquals(8, spans);
    JsonNode trace = JsonMapper.shared().readTree(Files.readString(out));
    assertEquals("ms", trace.get("displayTimeUnit").stringValue());
    Map<String, List<JsonNode>> phases = new TreeMap<>();
    for (JsonNode event : trace.get("traceEvents")) {
      phases.computeIfAbsent(event.get("ph").stringValue(), _ -> new ArrayList<>()).add(event);
      assertTrue(event.get("pid").isIntegralNumber() && event.get("tid").isIntegralNumber());
      assertTrue(event.get("name").isString() && event.get("args").isObject());
    }
    assertEquals(Set.of("X", "M"), phases.keySet());
    assertEquals(8, phases.get("X").size());
    for (JsonNode event : phases.get("X")) {
      assertTrue(
          event.get("ts").isNumber() && event.get("dur").isNumber() && event.get("cat").isString());
    }
    JsonNode reduced = phases.get("X").get(2);
    assertEquals("all-reduce data", reduced.get("name").stringValue());
    assertEquals(2_800_000, reduced.get("ts").doubleValue());
    assertEquals(125_000, reduced.get("dur").doubleValue());
    assertEquals(3_002_000, phases.get("X").get(7).get("ts").doubleValue());
    assertEquals(
        List.of(
            "process_name rank 0", "thread_name step", "process_name rank 1", "thread_name step"),
        phases.get("M").stream()
            .map(event ->
                event.get("name").stringValue() + " " + event.at("/args/name").stringValue())
            .toList());
  }

  /** Complete events of one thread lie beside or inside of each other, or a viewer drops them. */
  @Test
  void spansNest() throws IOException {
    Path out = folder.resolve("trace.json");
    ChromeTrace.write(run(step(1, 1), timeline(1)), out);
    Map<Integer, List<JsonNode>> threads = new TreeMap<>();
    for (JsonNode event : JsonMapper.shared().readTree(Files.readString(out)).get("traceEvents")) {
      if (event.get("ph").stringValue().equals("X")) {
        threads.computeIfAbsent(event.get("pid").intValue(), _ -> new ArrayList<>()).add(event);
      }
    }
    assertEquals(Set.of(0, 1), threads.keySet());
    threads.values().forEach(ChromeTraceTest::assertNested);
  }

  private static void assertNested(List<JsonNode> events) {
    Deque<Double> ends = new ArrayDeque<>();
    events.sort(Comparator.comparingDouble(event -> event.get("ts").doubleValue()));
    for (JsonNode event : events) {
      double start = event.get("ts").doubleValue();
      double end = start + event.get("dur").doubleValue();
      while (!ends.isEmpty() && ends.peek() <= start) {
        ends.pop();
      }
      assertTrue(ends.isEmpty() || end <= ends.peek(), event.toString());
      ends.push(end);
    }
  }

  @Test
  void aRunWithoutTimelinesIsTheUsersMistake() throws IOException {
    Path run = run(step(1, 1));
    String said =
        assertThrows(InvalidRunException.class, () -> ChromeTrace.write(run, folder.resolve("t")))
            .getMessage();
    assertTrue(said.contains("events.jsonl holds no timeline; name the steps"), said);
  }
}
