package dev.graft.cli;

import dev.graft.calibration.ProfileFile;
import dev.graft.checkpoint.InvalidInputException;
import dev.graft.cluster.Cluster;
import dev.graft.cost.ShapeReader;
import dev.graft.cost.TransformerShape;
import dev.graft.layout.ExpertScheme;
import dev.graft.measured.ProfiledCosts;
import dev.graft.picture.Picture;
import dev.graft.search.Degree;
import dev.graft.search.Fixed;
import dev.graft.search.Plan;
import dev.graft.search.PlanRequest;
import dev.graft.search.PlanSearch;
import java.io.IOException;
import java.nio.file.Path;
import java.util.EnumMap;
import java.util.Map;
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
          "Another mesh to price beside these, as --fix takes it; default for skywork-moe: the"
              + " published one.")
  private Optional<String> beside = Optional.empty();

  @Option(names = "--html", paramLabel = "FILE", description = "Also write a self-contained page.")
  private Optional<Path> html = Optional.empty();

  @Option(
      names = "--output",
      paramLabel = "FILE",
      description =
          "Also write the first plan that graft train can run, as keys of a recipe: train --plan"
              + " takes them.")
  private Optional<Path> output = Optional.empty();

  @Option(
      names = "--profile",
      paramLabel = "FILE",
      description =
          "Times as graft profile measured them on this machine, instead of the data sheet's.")
  private Optional<Path> profile = Optional.empty();

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
    if (output.isPresent() || profile.isPresent()) {
      throw new InvalidInputException(
          "--output and --profile are for training; leave out --inference or them");
    }
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
    PlanRequest request = profile.isPresent() ? measured(profile.get()) : options.request();
    PlanSearch search = new PlanSearch(request);
    PlanSearch.Found found = search.best(Math.max(1, top));
    Optional<PlanReport.Beside> other = beside(request);
    PlanReport report = new PlanReport(options.model(), request, search, found, other);
    if (output.isPresent()) {
      int number = PlanOverlay.write(request.job(), found.plans(), output.get());
      System.err.println("graft: wrote plan " + number + " to " + output.get());
    }
    if (html.isPresent()) {
      Picture picture = new Picture(options.model() + " on " + request.cluster().describe());
      new PlanDrawing(options.model(), request, found, other).draw(picture);
      picture.write(html.get());
    }
    if (json) {
      System.out.println(
          JsonMapper.shared().writerWithDefaultPrettyPrinter().writeValueAsString(report.json()));
    } else {
      report.lines().forEach(System.out::println);
    }
  }

  /** Times of a profile, which has whole layers: unless something else is held, none is split. */
  private PlanRequest measured(Path file) throws IOException {
    PlanRequest request =
        options.request(new ProfiledCosts(file.toString(), ProfileFile.read(file)));
    Map<Degree, Integer> degrees = new EnumMap<>(Degree.class);
    degrees.put(Degree.TP, 1);
    degrees.putAll(request.fixed().degrees());
    return request.with(
        new Fixed(degrees, request.fixed().experts().or(() -> Optional.of(ExpertScheme.NONE))));
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
