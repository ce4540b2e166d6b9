package dev.graft.cli;

import dev.graft.cluster.Fields;
import dev.graft.cost.AnalyticCosts;
import dev.graft.published.Comparison;
import dev.graft.published.PublishedRun;
import dev.graft.published.PublishedRun.Side;
import dev.graft.published.Replay;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** {@code graft plan validate}: published runs, predicted beside reported. */
@Command(
    name = "validate",
    mixinStandardHelpOptions = true,
    description =
        "Replays published training runs and prints predicted, reported and the error of each.")
final class PlanValidateCommand implements Callable<Integer> {
  @Option(
      names = "--runs",
      paramLabel = "FILE.yaml",
      description = "Other runs in the same form; default: those that ship.")
  private Optional<Path> runs = Optional.empty();

  @Option(names = "--json", description = "One JSON object.")
  private boolean json;

  @Override
  public Integer call() throws IOException {
    Fields file = runs.isPresent() ? Fields.read(runs.get()) : Replay.shipped();
    Replay.Runs read = Replay.read(file);
    List<Comparison> rows =
        read.runs().stream().map(run -> Replay.predict(run, AnalyticCosts.fitted())).toList();
    if (json) {
      System.out.println(
          JsonMapper.shared()
              .writerWithDefaultPrettyPrinter()
              .writeValueAsString(object(rows, read.left())));
    } else {
      print(rows, read.left());
    }
    return ExitCode.DONE.code();
  }

  /** The figures: each side, dense and mixture by themselves; layers count with the dense. */
  private record Figure(String name, List<Comparison> rows) {
    static List<Figure> of(List<Comparison> all) {
      List<Figure> figures = new ArrayList<>();
      for (Side side : List.of(Side.FIT, Side.TEST)) {
        for (boolean mixture : new boolean[] {false, true}) {
          List<Comparison> rows =
              all.stream()
                  .filter(row -> row.run().side() == side && row.run().isMixture() == mixture)
                  .toList();
          if (!rows.isEmpty()) {
            figures.add(new Figure(side.key() + (mixture ? " moe" : " dense"), rows));
          }
        }
      }
      return figures;
    }

    double median() {
      return Comparison.median(rows);
    }

    long large() {
      return rows.stream().filter(Comparison::isLarge).count();
    }
  }

  private static ObjectNode object(List<Comparison> rows, List<String> left) {
    ObjectNode object = JsonMapper.shared().createObjectNode();
    ArrayNode list = object.putArray("rows");
    for (Comparison row : rows) {
      PublishedRun run = row.run();
      ObjectNode node = list.addObject();
      node.put("id", run.id());
      node.put("metric", run.metric().key());
      node.put("predicted", row.predicted());
      node.put("reported", run.reported());
      node.put("error", row.error());
      node.put("group", run.group());
      node.put("side", run.side().key());
      node.put("moe", run.isMixture());
      ObjectNode terms = node.putObject("seconds");
      row.terms().forEach(terms::put);
      run.assumptions().forEach(node.putArray("assumptions")::add);
      run.why().ifPresent(why -> node.put("why", why));
    }
    ArrayNode figures = object.putArray("figures");
    for (Figure figure : Figure.of(rows)) {
      ObjectNode node = figures.addObject();
      node.put("name", figure.name());
      node.put("rows", figure.rows().size());
      node.put("median_absolute_error", figure.median());
      node.put("above_25_percent", figure.large());
    }
    left.forEach(object.putArray("left_out")::add);
    return object;
  }

  private static void print(List<Comparison> rows, List<String> left) {
    System.out.printf(
        Locale.ROOT,
        "%-46s %-12s %-20s %11s %11s %8s%n",
        "run",
        "side",
        "metric",
        "predicted",
        "reported",
        "error");
    for (Comparison row : rows) {
      System.out.printf(
          Locale.ROOT,
          "%-46s %-12s %-20s %11s %11s %+7.1f%%%n",
          row.run().id(),
          row.run().side().key(),
          row.run().metric().key(),
          digits(row.predicted()),
          digits(row.run().reported()),
          100 * row.error());
    }
    System.out.println();
    for (Figure figure : Figure.of(rows)) {
      System.out.printf(
          Locale.ROOT,
          "%-11s %3d rows, median absolute error %.1f %%, %d above 25 %%%n",
          figure.name(),
          figure.rows().size(),
          100 * figure.median(),
          figure.large());
    }
    List<Comparison> large =
        rows.stream()
            .filter(row -> row.isLarge() || row.run().side() == Side.ILLUSTRATION)
            .toList();
    if (!large.isEmpty()) {
      System.out.println();
      System.out.println("Above 25 %, and illustrations: where the predicted time goes");
      for (Comparison row : large) {
        System.out.printf(
            Locale.ROOT,
            "  %s %+.0f %%: %s%n",
            row.run().id(),
            100 * row.error(),
            row.explanation());
      }
    }
    left.forEach(reason -> System.out.println("left out: " + reason));
  }

  private static String digits(double value) {
    return String.format(Locale.ROOT, value < 100 ? "%.3f" : "%,.0f", value);
  }
}
