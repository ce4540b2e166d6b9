package dev.graft.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.graft.events.Event;
import dev.graft.events.EventLog;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ReportCommandTest {
  @TempDir Path folder;

  private Path run(String name) throws IOException {
    Path run = folder.resolve("runs").resolve(name);
    try (EventLog log = EventLog.append(run.resolve("events.jsonl"))) {
      log.write(new Event.Run(name, Map.of("seed", 1), Map.of(), 6e6, "6 N"));
      log.write(new Event.Validation(1, 256, 2.5, 64));
    }
    return run;
  }

  @Test
  void runsOfAFolderAreOnOnePage() throws IOException {
    run("upcycled-seed1");
    run("upcycled-seed2");
    run("dense");
    Path out = folder.resolve("report.html");
    Captured report =
        Captured.run("report", folder.resolve("runs").toString(), "--out", out.toString());
    assertEquals(0, report.code(), report.err());
    assertTrue(report.out().startsWith(out + " ("), report.out());
    String html = Files.readString(out);
    assertTrue(html.contains("<title>dense, upcycled</title>"));
    assertTrue(html.contains("\"name\":\"upcycled-seed2\",\"group\":\"upcycled\""));
  }

  @Test
  void theTitleIsTheUsers() throws IOException {
    Path out = folder.resolve("report.html");
    Captured report =
        Captured.run(
            "report", run("dense").toString(), "--out", out.toString(), "--title", "A < B");
    assertEquals(0, report.code(), report.err());
    assertTrue(Files.readString(out).contains("<title>A &lt; B</title>"));
  }

  @Test
  void aFolderWithoutRunsIsTheUsersMistake() {
    Captured report = Captured.run("report", folder.toString());
    assertEquals(2, report.code());
    assertTrue(report.err().contains(folder + " holds no run"), report.err());
  }

  @Test
  void aBadLineIsNamed() throws IOException {
    Path file = run("dense").resolve("events.jsonl");
    Files.writeString(file, "{\"event\":\"validation\",\"step\":2}\n");
    Captured report = Captured.run("report", file.toString());
    assertEquals(2, report.code());
    assertTrue(report.err().contains(file + ", line 1 is not an event"), report.err());
  }

  @Test
  void aTraceIsOfOneRun() throws IOException {
    Path run = run("dense");
    try (EventLog log = EventLog.append(run.resolve("events.jsonl"))) {
      Event.Span span = new Event.Span("compute", "forward 0", 0, 0.25);
      log.write(new Event.Timeline(1, List.of(new Event.Track(0, List.of(span)))));
    }
    Path out = folder.resolve("trace.json");
    Captured trace = Captured.run("report", run.toString(), "--trace", out.toString());
    assertEquals(0, trace.code(), trace.err());
    assertEquals(out + " (1 spans)\n", trace.out());
    assertTrue(Files.readString(out).contains("\"name\":\"forward 0\""));
    run("upcycled");
    Captured two =
        Captured.run("report", folder.resolve("runs").toString(), "--trace", out.toString());
    assertEquals(2, two.code());
    assertTrue(two.err().contains("--trace is of one run, but there are 2"), two.err());
  }
}
