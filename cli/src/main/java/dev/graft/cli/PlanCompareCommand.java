package dev.graft.cli;

import dev.graft.calibration.Profile;
import dev.graft.calibration.ProfileFile;
import dev.graft.checkpoint.InvalidInputException;
import dev.graft.checkpoint.ModelSpec;
import dev.graft.cluster.ClusterReader;
import dev.graft.cost.Setting;
import dev.graft.events.Event;
import dev.graft.events.RunEvents;
import dev.graft.loop.Recipe;
import dev.graft.loop.RecipeReader;
import dev.graft.measured.ProfiledCosts;
import dev.graft.runs.Comparison;
import dev.graft.runs.Prediction;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Locale;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** {@code graft plan compare}: what was predicted beside what a run recorded. */
@Command(
    name = "compare",
    mixinStandardHelpOptions = true,
    description =
        "Predicts a run from a profile of its recipe and prints the prediction beside what the run"
            + " recorded, term by term.")
final class PlanCompareCommand implements Callable<Integer> {
  @Parameters(index = "0", paramLabel = "RUN", description = "What graft train wrote.")
  private Path run;

  @Option(
      names = "--profile",
      required = true,
      paramLabel = "FILE",
      description = "What graft profile wrote for the run's recipe.")
  private Path profile;

  @Option(names = "--json", description = "One JSON object.")
  private boolean json;

  @Override
  public Integer call() throws IOException {
    RunEvents events = RunEvents.read(run);
    Recipe recipe = recipe(events);
    ModelSpec spec = RecipeJob.model(recipe);
    Setting setting = RecipeJob.setting(recipe, spec, ClusterReader.named("cpu"));
    Profile measured = ProfileFile.read(profile);
    Prediction prediction =
        Prediction.of(
            setting,
            new ProfiledCosts(profile.toString(), measured).costs(setting),
            RecipeJob.layout(recipe, spec, measured.processBytes()));
    Comparison comparison = Comparison.of(events, prediction, recipe.parallel().mesh().dp());
    if (json) {
      System.out.println(JsonMapper.shared().writeValueAsString(json(comparison)));
    } else {
      print(comparison);
    }
    return ExitCode.DONE.code();
  }

  /** The recipe that the run wrote with its defaults. */
  private Recipe recipe(RunEvents events) {
    Event.Run described =
        events
            .run()
            .orElseThrow(() ->
                new InvalidInputException(
                    events.file() + ": the run does not say what its recipe was; train again"));
    return RecipeReader.read(events.file() + ": recipe", described.recipe());
  }

  private static ObjectNode json(Comparison comparison) {
    ObjectNode facts = JsonMapper.shared().createObjectNode();
    facts.put("steps", comparison.steps());
    ArrayNode rows = facts.putArray("rows");
    for (Comparison.Row row : comparison.rows()) {
      ObjectNode node = rows.addObject();
      node.put("term", row.name());
      if (row.rank() >= 0) {
        node.put("rank", row.rank());
      }
      node.put("unit", row.unit().name().toLowerCase(Locale.ROOT));
      node.put("predicted", row.predicted());
      node.put("measured", row.measured());
      node.put("error", row.error());
    }
    return facts;
  }

  private static void print(Comparison comparison) {
    System.out.println(
        String.format(
            Locale.ROOT,
            "%-22s %6s %14s %14s %8s",
            "term",
            "rank",
            "predicted",
            "measured",
            "error"));
    for (Comparison.Row row : comparison.rows()) {
      System.out.println(
          String.format(
              Locale.ROOT,
              "%-22s %6s %14s %14s %7.1f%%",
              row.name(),
              row.rank() < 0 ? "all" : "" + row.rank(),
              show(row.unit(), row.predicted()),
              show(row.unit(), row.measured()),
              100 * row.error()));
    }
    System.out.println(
        "times are medians over "
            + comparison.steps()
            + " steps, those by rank over the recorded ones");
  }

  private static String show(Comparison.Unit unit, double value) {
    return unit == Comparison.Unit.BYTES
        ? ByteSize.print(Math.round(value))
        : String.format(Locale.ROOT, "%.2f ms", 1e3 * value);
  }
}
