package dev.graft.page;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.graft.events.Event;
import dev.graft.events.EventLog;
import dev.graft.events.InvalidRunException;
import dev.graft.events.LayerStats;
import dev.graft.events.RunEvents;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class ReportPageTest {
  private static final Pattern DATA =
      Pattern.compile(
          "<script type=\"application/json\" id=\"data\">(.*?)</script>", Pattern.DOTALL);

  @TempDir Path folder;

  private Path run(String name, SyntheticRuns.Kind kind, double lr, int seed, int steps)
      throws IOException {
    return new SyntheticRuns(steps, 3, 4).write(folder, name, kind, lr, seed);
  }

  private static JsonNode data(String html) {
    Matcher found = DATA.matcher(html);
    assertTrue(found.find());
    return JsonMapper.builder().build().readTree(found.group(1));
  }

  /** Equal to six significant digits (four in the layers' maps), which is what the page keeps. */
  private static void close(double expected, JsonNode shown, int digits) {
    assertTrue(shown.isNumber(), () -> expected + " is shown as " + shown);
    assertEquals(expected, shown.doubleValue(), Math.abs(expected) * Math.pow(10, 1 - digits) / 2);
  }

  @Test
  void thePageLoadsNothingFromAnywhere() throws IOException {
    Path run = run("one", SyntheticRuns.Kind.UPCYCLED, 1e-3, 1, 12);
    String html = ReportPage.html(PageContent.of("Title", List.of(run)));
    String own = html.replaceFirst("(?s)<script>.*?</script>", "<script>library</script>");
    assertTrue(own.length() < html.length() - 500_000, "the library is inlined");
    for (String loader :
        List.of(
            "\\bsrc=",
            "\\bhref=\"(?!#)",
            "@import",
            "url\\(",
            "\\bfetch\\(",
            "importScripts",
            "XMLHttpRequest",
            "WebSocket",
            "import\\s*\\(",
            "<link",
            "<iframe",
            "<img")) {
      assertFalse(Pattern.compile(loader).matcher(own).find(), loader);
    }
    assertFalse(html.contains("<script src"), "no script is loaded");
    // and the browser would refuse it: nothing but the two scripts on the page may run
    Matcher policy =
        Pattern.compile("Content-Security-Policy\" content=\"([^\"]*)\"").matcher(html);
    assertTrue(policy.find());
    assertTrue(policy.group(1).startsWith("default-src 'none'; script-src 'sha256-"));
    Matcher scripts =
        Pattern.compile("<script(?: type=\"module\")?>(.*?)</script>", Pattern.DOTALL)
            .matcher(html);
    int count = 0;
    while (scripts.find()) {
      assertTrue(policy.group(1).contains("'sha256-" + sha256(scripts.group(1)) + "'"));
      count++;
    }
    assertEquals(2, count);
  }

  private static String sha256(String text) {
    try {
      return Base64.getEncoder()
          .encodeToString(
              MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8)));
    } catch (java.security.NoSuchAlgorithmException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void theScriptsNeverParseTextAsMarkup() throws IOException {
    Path run = run("one", SyntheticRuns.Kind.UPCYCLED, 1e-3, 1, 4);
    String html = ReportPage.html(PageContent.of("Title", List.of(run)));
    String own = html.substring(html.indexOf("<script type=\"module\">"));
    for (String parser :
        List.of(
            "innerHTML",
            "outerHTML",
            "insertAdjacentHTML",
            "document.write",
            "eval(",
            "new Function",
            "DOMParser",
            "createContextualFragment")) {
      assertFalse(own.contains(parser), parser);
    }
  }

  @Test
  void hostileTextStaysText() throws IOException {
    String evil = "</script><script>alert(1)</script><!--<script>{{data}}&\"'$1\u2028";
    Path quiet = run("quiet", SyntheticRuns.Kind.DENSE, 1e-3, 1, 4);
    Path file = folder.resolve("evil/events.jsonl");
    try (EventLog log = EventLog.append(file)) {
      log.write(new Event.Run(evil, Map.of(evil, evil), Map.of(evil, evil), 1, evil));
      log.write(new Event.Validation(1, 256, 2, 8));
      log.write(new Event.Sample(1, evil, evil));
    }
    PageContent content =
        new PageContent(
            evil,
            List.of(Paragraph.titled(evil, evil)),
            List.of(Series.of(file), Series.of(quiet)),
            List.of(new Finding(evil, Finding.Verdict.HOLDS, evil)));
    String html = ReportPage.html(content);
    String plain = ReportPage.html(PageContent.of("Title", List.of(quiet)));
    for (String tag : List.of("<script", "</script", "<!--")) {
      assertEquals(occurrences(plain, tag), occurrences(html, tag), tag);
    }
    assertTrue(html.contains("<title>&lt;/script&gt;&lt;script&gt;alert(1)"));
    JsonNode data = data(html);
    JsonNode run = data.path("runs").path(0);
    for (JsonNode text :
        List.of(
            data.path("title"),
            data.path("introduction").path(0).path("heading"),
            data.path("introduction").path(0).path("text"),
            data.path("findings").path(0).path("statement"),
            data.path("findings").path(0).path("evidence"),
            run.path("name"),
            run.path("configuration").path(evil),
            run.path("model").path(evil),
            run.path("flops_formula"),
            run.path("samples").path(0).path("prompt"),
            run.path("samples").path(0).path("text"))) {
      assertEquals(evil, text.stringValue());
    }
  }

  private static int occurrences(String text, String part) {
    return (text.length() - text.replace(part, "").length()) / part.length();
  }

  @Test
  void theDataOfThePageAreTheEvents() throws IOException {
    Path run = run("moe", SyntheticRuns.Kind.UPCYCLED, 3e-4, 2, 60);
    RunEvents events = RunEvents.read(run);
    JsonNode shown = data(ReportPage.html(PageContent.of("t", List.of(run)))).path("runs").path(0);
    List<Event.Step> steps = events.of(Event.Step.class);
    JsonNode curves = shown.path("curves");
    assertEquals(1, curves.path("every").intValue());
    assertEquals(60, curves.path("loss").size());
    Map<String, Function<Event.Step, Double>> measures =
        Map.of(
            "loss", Event.Step::loss,
            "aux_loss", Event.Step::auxLoss,
            "lr", Event.Step::lr,
            "grad_norm", Event.Step::gradNorm,
            "tokens_per_second", Event.Step::tokensPerSecond,
            "mfu", Event.Step::mfu);
    double seconds = 0;
    for (int i = 0; i < steps.size(); i++) {
      Event.Step step = steps.get(i);
      seconds += step.seconds();
      assertEquals(step.step(), curves.path("step").path(i).intValue());
      assertEquals(step.tokens(), curves.path("tokens").path(i).longValue());
      close((double) step.memoryBytes(), curves.path("memory_bytes").path(i), 6);
      close(seconds, curves.path("seconds").path(i), 6);
      for (Map.Entry<String, Function<Event.Step, Double>> measure : measures.entrySet()) {
        close(measure.getValue().apply(step), curves.path(measure.getKey()).path(i), 6);
      }
      for (int l = 0; l < step.layers().size(); l++) {
        LayerStats layer = step.layers().get(l);
        JsonNode layers = shown.path("layers");
        assertEquals(layer.layer(), layers.path("index").path(l).intValue());
        close(layer.dropRate(), layers.path("drop_rate").path(l).path(i), 4);
        close(layer.alpha(), layers.path("alpha").path(l).path(i), 4);
        close(layer.max1OverMax2(), layers.path("max1_over_max2").path(l).path(i), 4);
        close(layer.max2OverMax3(), layers.path("max2_over_max3").path(l).path(i), 4);
        close(layer.entropy(), layers.path("entropy").path(l).path(i), 4);
        for (int e = 0; e < 4; e++) {
          close(layer.load().get(e), shown.path("load").path("share").path(l).path(e).path(i), 4);
        }
      }
    }
    List<Event.Validation> validations = events.of(Event.Validation.class);
    assertEquals(validations.size(), shown.path("validation").path("loss").size());
    for (int i = 0; i < validations.size(); i++) {
      close(validations.get(i).loss(), shown.path("validation").path("loss").path(i), 6);
      assertEquals(
          validations.get(i).tokens(), shown.path("validation").path("tokens").path(i).longValue());
    }
    List<Event.Similarity> similarities = events.of(Event.Similarity.class);
    for (int i = 0; i < similarities.size(); i++) {
      for (int l = 0; l < 3; l++) {
        close(
            similarities.get(i).layers().get(l),
            shown.path("similarity").path("mean_cosine").path(l).path(i),
            4);
      }
    }
    assertEquals("3e-4", shown.path("configuration").path("optimizer.lr").stringValue());
    assertEquals("0.9, 0.95", shown.path("configuration").path("optimizer.betas").stringValue());
    assertEquals("4", shown.path("model").path("num_experts").stringValue());
  }

  @Test
  void aLongRunIsThinnedToMeans() {
    List<Event> events =
        new SyntheticRuns(2500, 2, 4).events("r", SyntheticRuns.Kind.UPCYCLED, 1e-3, 1);
    RunData data =
        RunData.of(
            Series.named("r", folder),
            new RunEvents(folder, events),
            new Detail(1000, 2 * 5 * 100, 2 * 4 * 10));
    List<Event.Step> steps = new RunEvents(folder, events).of(Event.Step.class);
    JsonNode curves = data.json().path("curves");
    assertEquals(3, curves.path("every").intValue());
    assertEquals(834, curves.path("loss").size());
    close(
        (steps.get(3).loss() + steps.get(4).loss() + steps.get(5).loss()) / 3,
        curves.path("loss").path(1),
        6);
    assertEquals(6, curves.path("step").path(1).intValue());
    close(steps.getLast().loss(), curves.path("loss").path(833), 6);
    assertEquals(2500, curves.path("step").path(833).intValue());
    assertEquals(100, data.json().path("layers").path("alpha").path(1).size());
    double mean =
        steps.subList(25, 50).stream()
            .mapToDouble(s -> s.layers().get(1).dropRate())
            .average()
            .orElseThrow();
    close(mean, data.json().path("layers").path("drop_rate").path(1).path(1), 4);
    assertEquals(10, data.json().path("load").path("share").path(0).path(0).size());
  }

  @Test
  void thirtyLongRunsStayUnderFourMegabytes() {
    List<Event> events =
        new SyntheticRuns(3000, 12, 8).events("r", SyntheticRuns.Kind.UPCYCLED, 1e-3, 1);
    RunEvents read = new RunEvents(folder, events);
    List<Series> series = new ArrayList<>();
    for (int i = 0; i < 30; i++) {
      series.add(Series.named("run-%d-seed%d".formatted(i / 3, i % 3), folder));
    }
    PageContent content = new PageContent("t", List.of(), series, List.of());
    RunData one = RunData.of(series.getFirst(), read, Detail.of(30));
    List<RunData> runs =
        series.stream().map(s -> new RunData(s, one.run(), one.summary(), one.json())).toList();
    int size = ReportPage.html(content, runs).getBytes(StandardCharsets.UTF_8).length;
    assertTrue(size < 4_000_000, () -> size + " bytes");
  }

  @Test
  void aDivergedRunIsShownWithAGap() throws IOException {
    Path file = folder.resolve("nan/events.jsonl");
    try (EventLog log = EventLog.append(file)) {
      for (int step = 1; step <= 3; step++) {
        double loss = step == 2 ? Double.NaN : step == 3 ? Double.POSITIVE_INFINITY : 2.5;
        log.write(new Event.Step(step, step, loss, 0, 0, 1, 1, 1, 1, 0, 1, List.of()));
        log.write(new Event.Validation(step, step, loss, 8));
      }
    }
    JsonNode run = data(ReportPage.html(PageContent.of("t", List.of(file)))).path("runs").path(0);
    assertEquals("[2.5,null,null]", run.path("curves").path("loss").toString());
    assertEquals("[2.5,null,null]", run.path("validation").path("loss").toString());
    assertTrue(run.path("layers").isMissingNode());
    close(2.5, run.path("summary").path("best_validation_loss"), 6);
  }

  @Test
  void theSummaryIsOfAllEvents() {
    List<Event> events = new ArrayList<>();
    for (int step = 1; step <= 40; step++) {
      LayerStats layer = new LayerStats(0, step / 100.0, 0, 0, 1, 1, 1, List.of(0.5, 0.5));
      events.add(
          new Event.Step(
              step,
              10L * step,
              step,
              0,
              0,
              1,
              1,
              0.5,
              step == 1 ? 1 : 100 + step,
              0.25,
              1000 - step,
              List.of(layer)));
    }
    events.add(new Event.Validation(20, 200, 1.5, 8));
    events.add(new Event.Validation(40, 400, 1.75, 8));
    Summary summary = Summary.of(new RunEvents(folder, events));
    assertEquals(40, summary.steps());
    assertEquals(400, summary.tokens());
    assertEquals(39.5, summary.loss().orElseThrow());
    assertEquals(1.75, summary.validationLoss().orElseThrow());
    assertEquals(20, summary.bestValidation().orElseThrow().step());
    assertEquals(120.5, summary.tokensPerSecond().orElseThrow());
    assertEquals(999, summary.memoryBytes());
    assertEquals(20, summary.seconds());
    assertEquals(0.365, summary.dropRate().orElseThrow(), 1e-12);
  }

  @Test
  void groupsShowTheBestLearningRateAndItsSpread() {
    List<RunData> runs = new ArrayList<>();
    double[][] losses = {{2.0, 2.1, 2.2}, {1.9, 1.9, 2.2}};
    String[] rates = {"1e-3", "3e-4"};
    for (int r = 0; r < 2; r++) {
      for (int s = 0; s < 3; s++) {
        runs.add(validated("up-lr" + rates[r] + "-seed" + (s + 1), losses[r][s]));
      }
    }
    runs.add(validated("dense", 2.5));
    List<GroupComparison> groups =
        GroupComparison.of(runs, GroupComparison.Measure.VALIDATION_LOSS);
    assertEquals(List.of("up", "dense"), groups.stream().map(GroupComparison::group).toList());
    GroupComparison.Rate best = groups.getFirst().best().orElseThrow();
    assertEquals(3e-4, best.learningRate().orElseThrow());
    assertEquals(2.0, best.mean(), 1e-12);
    assertEquals(Math.sqrt(0.03), best.spread().orElseThrow(), 1e-12);
    assertEquals(1.9, best.least());
    assertEquals(2.2, best.greatest());
    assertEquals(2, groups.getFirst().rates().size());
    assertTrue(groups.getLast().rates().getFirst().spread().isEmpty());
    assertEquals(
        Optional.empty(),
        GroupComparison.of(List.of(validated("nan", Double.NaN)), GroupComparison.Measure.LOSS)
            .getFirst()
            .best());
  }

  private RunData validated(String name, double loss) {
    return RunData.of(
        Series.named(name, folder),
        new RunEvents(folder, List.of(new Event.Validation(1, 256, loss, 8))),
        Detail.of(1));
  }

  @Test
  void namesDifferingBySeedOrLearningRateAreOneGroup() {
    for (String name :
        List.of("up-seed2", "up-lr1e-3", "up-lr3e-4-seed12", "up_seed1_lr0.001", "up")) {
      assertEquals("up", Series.named(name, folder).group(), name);
    }
    for (String name : List.of("up-slr2", "up-seed", "seedling", "up-lrx", "-seed1")) {
      assertEquals(name, Series.named(name, folder).group(), name);
    }
  }

  @Test
  void runsOfOneNameAreToldApart() throws IOException {
    Path first = run("same", SyntheticRuns.Kind.DENSE, 1e-3, 1, 4);
    PageContent content = PageContent.of("t", List.of(first, first));
    assertEquals(List.of("same", "same (2)"), content.runs().stream().map(Series::name).toList());
  }

  @Test
  void runsAreFoundInAFolderOfRuns() throws IOException {
    Path b = run("b", SyntheticRuns.Kind.DENSE, 1e-3, 1, 4);
    Path a = run("a", SyntheticRuns.Kind.DENSE, 1e-3, 1, 4);
    assertEquals(List.of(a, b), RunFolders.find(folder));
    assertEquals(List.of(a), RunFolders.find(a));
    Path empty = Files.createDirectory(folder.resolve("empty"));
    for (Path none : List.of(empty, folder.resolve("absent"))) {
      String message =
          assertThrows(InvalidRunException.class, () -> RunFolders.find(none)).getMessage();
      assertTrue(message.startsWith(none + " holds no run: "), message);
    }
  }

  @Test
  void aRunWithoutAStepIsRefusedByName() throws IOException {
    Path file = folder.resolve("new/events.jsonl");
    try (EventLog log = EventLog.append(file)) {
      log.write(new Event.Run("new", Map.of(), Map.of(), 1, "6 N"));
    }
    PageContent content = PageContent.of("t", List.of(file));
    String message =
        assertThrows(InvalidRunException.class, () -> ReportPage.html(content)).getMessage();
    assertTrue(message.startsWith(file + " holds no step yet"), message);
  }

  @Test
  void thePageIsWrittenWholeOverAnOlderOne() throws IOException {
    Path run = run("one", SyntheticRuns.Kind.DENSE, 1e-3, 1, 4);
    Path out = folder.resolve("deep/report.html");
    Files.createDirectories(out.getParent());
    Files.writeString(out, "older");
    PageContent content = PageContent.of("Title", List.of(run));
    ReportPage.write(content, out);
    assertEquals(ReportPage.html(content), Files.readString(out));
    try (var files = Files.list(out.getParent())) {
      assertEquals(List.of(out), files.toList());
    }
  }
}
