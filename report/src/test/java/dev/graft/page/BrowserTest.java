package dev.graft.page;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.graft.events.Event;
import dev.graft.events.EventLog;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The page in a real browser, where one is installed: its script runs to its end. */
class BrowserTest {
  @TempDir Path folder;

  private String rendered(PageContent content) throws IOException, InterruptedException {
    Path page = folder.resolve("report.html");
    ReportPage.write(content, page);
    return Chromium.rendered(page, folder);
  }

  private static int count(String html, String pattern) {
    return Math.toIntExact(Pattern.compile(pattern).matcher(html).results().count());
  }

  @Test
  void everySectionOfAPageOfGroupsIsDrawn() throws IOException, InterruptedException {
    SyntheticRuns runs = new SyntheticRuns(40, 3, 4);
    List<Path> paths = new ArrayList<>();
    for (int seed = 1; seed <= 2; seed++) {
      for (double lr : new double[] {1e-3, 3e-4}) {
        for (SyntheticRuns.Kind kind : SyntheticRuns.Kind.values()) {
          String name = kind + (lr == 1e-3 ? "-lr1e-3" : "-lr3e-4") + "-seed" + seed;
          paths.add(runs.write(folder, name, kind, lr, seed));
        }
      }
    }
    String html = rendered(PageContent.of("All of it", paths));
    for (String id :
        List.of(
            "losses", "rates", "summary", "routing", "efficiency", "samples", "configuration")) {
      assertTrue(html.contains("<section id=\"" + id + "\""), id);
    }
    // 2 losses, 8 of one run's layers, 6 across runs, 6 of speed (no run has a z-loss)
    assertEquals(22, count(html, "<canvas"));
    assertEquals(
        12, count(html, "<th scope=\"row\" title=\"[A-Z]+-lr[0-9e-]+-seed[12]\">.*?</th><td") / 2);
    assertEquals(6, count(html, "<tr class=\"(best-rate)?\">"));
    assertEquals(3, count(html, "<tr class=\"best-rate\">"));
  }

  @Test
  void theLeastOfARunIsDrawn() throws IOException, InterruptedException {
    Path file = folder.resolve("least/events.jsonl");
    try (EventLog log = EventLog.append(file)) {
      log.write(new Event.Validation(1, 256, Double.NaN, 8));
      log.write(new Event.Validation(2, 512, 2.5, 8));
    }
    String html = rendered(PageContent.of("Least", List.of(file)));
    assertEquals(1, count(html, "<canvas"));
    assertTrue(html.contains("2.5000"), html);
  }

  @Test
  void aStepIsDrawnRankByRank() throws IOException, InterruptedException {
    Path file = folder.resolve("ranks/events.jsonl");
    try (EventLog log = EventLog.append(file)) {
      log.write(new Event.Validation(1, 256, 2.5, 8));
      Event.Span forward = new Event.Span("compute", "forward 0", 0, 0.75);
      Event.Span inside = new Event.Span("all-reduce", "tensor", 0.25, 0.25);
      Event.Span wait = new Event.Span("pipeline-wait", "pipeline", 0.25, 0.75);
      log.write(
          new Event.Timeline(
              5,
              List.of(
                  new Event.Track(0, List.of(forward, inside)),
                  new Event.Track(1, List.of(wait)))));
    }
    String html = rendered(PageContent.of("Ranks", List.of(file)));
    assertTrue(html.contains("<section id=\"timeline\""), html);
    assertEquals(2, count(html, "<canvas"));
    String label =
        "rank 0: compute 50 %, pipeline-wait 0 %, all-reduce 25 %; rank 1: compute 0 %,"
            + " pipeline-wait 75 %, all-reduce 0 %.";
    assertTrue(html.contains(label), html);
  }

  @Test
  void hostileTextRunsNothing() throws IOException, InterruptedException {
    String evil = "<img src=x onerror=console.log(1)><script>console.log(1)</script>";
    Path file = folder.resolve("evil/events.jsonl");
    try (EventLog log = EventLog.append(file)) {
      log.write(new Event.Run(evil, Map.of(evil, evil), Map.of(evil, evil), 1, evil));
      log.write(new Event.Validation(1, 256, 2.5, 8));
      log.write(new Event.Sample(1, evil, evil));
    }
    String html =
        rendered(
            new PageContent(
                evil,
                List.of(Paragraph.titled(evil, evil)),
                List.of(Series.of(file)),
                List.of(new Finding(evil, Finding.Verdict.UNDECIDED, evil))));
    assertEquals(0, count(html, "<img"));
    assertTrue(html.contains("&lt;img src=x onerror"), html);
  }
}
