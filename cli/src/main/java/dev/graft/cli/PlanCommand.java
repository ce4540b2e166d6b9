package dev.graft.cli;

import dev.graft.checkpoint.InvalidInputException;
import dev.graft.cluster.Cluster;
import dev.graft.cost.ShapeReader;
import dev.graft.cost.TransformerShape;
import dev.graft.picture.Picture;
import dev.graft.search.Fixed;
import dev.graft.search.Plan;
import dev.graft.search.PlanRequest;
import dev.graft.search.PlanSearch;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import tools.jackson.databind.json.JsonMapper;

/** {@code graft plan}: which mesh, which layers where, what a step takes and what binds. */
@Command(
    name = "plan",
    mixinStandardHelpOptions = true,
    description =
        "Plans a training run: the mesh, the layers of each stage and how many are recomputed,"
            + " memory, throughput and what binds; with --inference, how a model is served.",
    subcommands = {PlanCompareCommand.class, PlanValidateCommand.class})
final class PlanCommand implements Callable<Integer> {
  @Mixin private PlanOptions options;

  @Mixin private InferenceOptions inference;

  @Option(
      names = "--top",
      paramLabel = "K",
      description = "How many plans (${DEFAULT-VALUE}).",
      defaultValue = "5")
  private int top;

  @Option(
      names = "--beside",
      paramLabel = "pp=12,tp=4,…",
      description =
          "Another mesh to price beside these, as --fix takes it; default for skywork-moe: the published one.")
  private Optional<String> beside = Optional.empty();

  @Option(
      names = "--html",
      paramLabel = "FILE",
      description = "With --inference: also write a self-contained page.")
  private Optional<Path> html = Optional.empty();

  @Option(names = "--json", description = "One JSON object.")
  private boolean json;

  @Override
  public Integer call() throws IOException {
    if (inference.asked()) {
      serving();
    } else {
      training();
    }
    return ExitCode.DONE.code();
  }

  private void serving() throws IOException {
    TransformerShape shape = ShapeReader.read(options.model());
    Cluster devices = options.cluster();
    InferenceFacts facts = inference.facts(options.model(), shape, options.clusterName(), devices);
    if (html.isPresent()) {
      Picture picture = new Picture(options.model() + " on " + devices.describe());
      facts.draw(picture);
      picture.write(html.get());
    }
    if (json) {
      System.out.println(JsonMapper.shared().writeValueAsString(facts.json()));
    } else {
      facts.lines().forEach(System.out::println);
    }
  }

  private void training() throws IOException {
    if (html.isPresent()) {
      throw new InvalidInputException(
          "--html draws serving only; give --inference or leave it out");
    }
    PlanRequest request = options.request();
    PlanSearch search = new PlanSearch(request);
    PlanSearch.Found found = search.best(Math.max(1, top));
    Optional<PlanReport.Beside> other = beside(request);
    PlanReport report = new PlanReport(options.model(), request, search, found, other);
    if (json) {
      System.out.println(
          JsonMapper.shared().writerWithDefaultPrettyPrinter().writeValueAsString(report.json()));
    } else {
      report.lines().forEach(System.out::println);
    }
  }

  /**
   * The other mesh, split evenly and as well as can be; the known one only where it is possible.
   */
  private Optional<PlanReport.Beside> beside(PlanRequest request) {
    Optional<String> known = ShapeReader.knownMesh(options.model());
    if (beside.isEmpty() && known.isEmpty()) {
      return Optional.empty();
    }
    String mesh = beside.or(() -> known).orElseThrow();
    PlanRequest held = request.with(Fixed.parse("--beside", mesh));
    PlanSearch search = new PlanSearch(held);
    if (beside.isEmpty() && !search.isPossible()) {
      return Optional.empty();
    }
    Plan plan = search.best(1).plans().getFirst();
    return Optional.of(new PlanReport.Beside(mesh, plan, search.even(plan), search.gain(plan)));
  }
}
