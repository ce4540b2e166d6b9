package dev.graft.page;

import dev.graft.disk.WholeFile;
import dev.graft.events.RunEvents;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * One self-contained HTML page that compares runs. It loads nothing: style, script, plotting
 * library and data are in the file, which can be mailed or opened offline.
 */
public final class ReportPage {
  private ReportPage() {}

  /**
   * Writes the page; an older {@code out} stays whole until the new one is.
   *
   * @throws dev.graft.events.InvalidRunException where a run cannot be read or has no step yet
   * @throws IOException where {@code out} cannot be written
   */
  public static void write(PageContent content, Path out) throws IOException {
    WholeFile.write(html(content), out);
  }

  /**
   * The page as text.
   *
   * @throws dev.graft.events.InvalidRunException where a run cannot be read or has no step yet
   */
  public static String html(PageContent content) {
    Detail detail = Detail.of(content.runs().size());
    List<RunData> runs = new ArrayList<>();
    for (Series series : content.runs()) {
      // one run's events at a time: only their thinned columns are kept
      runs.add(RunData.of(series, RunEvents.read(series.path()), detail));
    }
    return html(content, runs);
  }

  static String html(PageContent content, List<RunData> runs) {
    return PageTemplate.fill(
        content.title(),
        JsonMapper.builder().build().writeValueAsString(data(content, runs)),
        PageTemplate.RUN_SCRIPTS);
  }

  private static ObjectNode data(PageContent content, List<RunData> runs) {
    ObjectNode data = JsonNodeFactory.instance.objectNode();
    data.put("title", content.title());
    ArrayNode introduction = data.putArray("introduction");
    for (Paragraph paragraph : content.introduction()) {
      ObjectNode json = introduction.addObject();
      paragraph.heading().ifPresent(heading -> json.put("heading", heading));
      json.put("text", paragraph.text());
    }
    ArrayNode findings = data.putArray("findings");
    for (Finding finding : content.findings()) {
      findings
          .addObject()
          .put("statement", finding.statement())
          .put("verdict", finding.verdict().name())
          .put("evidence", finding.evidence());
    }
    ArrayNode list = data.putArray("runs");
    runs.forEach(run -> list.add(run.json()));
    ArrayNode groups = data.putArray("groups");
    GroupComparison.Measure measure = GroupComparison.Measure.of(runs);
    data.put("groups_by", measure == GroupComparison.Measure.LOSS ? "loss" : "validation_loss");
    GroupComparison.of(runs, measure).forEach(group -> groups.add(group(group)));
    return data;
  }

  private static ObjectNode group(GroupComparison comparison) {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.put("group", comparison.group());
    ArrayNode rates = json.putArray("rates");
    for (GroupComparison.Rate rate : comparison.rates()) {
      ObjectNode row = rates.addObject();
      row.set("learning_rate", PageNumbers.number(rate.learningRate(), 6));
      rate.runs().forEach(row.putArray("runs")::add);
      row.set("mean", PageNumbers.number(rate.mean(), 6));
      row.set("spread", PageNumbers.number(rate.spread(), 6));
      row.set("least", PageNumbers.number(rate.least(), 6));
      row.set("greatest", PageNumbers.number(rate.greatest(), 6));
      row.put("best", comparison.best().filter(rate::equals).isPresent());
    }
    return json;
  }
}
