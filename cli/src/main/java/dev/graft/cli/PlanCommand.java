package dev.graft.cli;

import dev.graft.checkpoint.InvalidInputException;
import dev.graft.cluster.Cluster;
import dev.graft.cluster.ClusterReader;
import dev.graft.cost.ShapeReader;
import dev.graft.cost.TransformerShape;
import dev.graft.picture.Picture;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import tools.jackson.databind.json.JsonMapper;

/** {@code graft plan}: what fits where, and how fast it would be. */
@Command(
    name = "plan",
    mixinStandardHelpOptions = true,
    description = "Plans on which devices, how and how fast a model runs.",
    subcommands = {PlanCompareCommand.class, PlanValidateCommand.class})
final class PlanCommand implements Callable<Integer> {
  @Option(
      names = "--model",
      paramLabel = "NAME|DIR|FILE",
      description = "A shape that ships, a Hugging Face directory or a YAML file.")
  private String model = "";

  @Option(
      names = "--cluster",
      paramLabel = "NAME|FILE",
      description = "Devices that ship, with a number of them (4090x8, a800x1536), or a YAML file.")
  private String cluster = "";

  @Mixin private InferenceOptions inference;

  @Option(names = "--html", paramLabel = "FILE", description = "Also write a self-contained page.")
  private Optional<Path> html = Optional.empty();

  @Option(names = "--json", description = "One JSON object.")
  private boolean json;

  @Override
  public Integer call() throws IOException {
    if (model.isEmpty() || cluster.isEmpty() || !inference.asked()) {
      throw new InvalidInputException(
          "graft plan needs --model, --cluster and --inference; for example --model skywork-moe"
              + " --cluster 4090x8 --inference fp8");
    }
    TransformerShape shape = ShapeReader.read(model);
    Cluster devices = ClusterReader.read(cluster);
    InferenceFacts facts = inference.facts(model, shape, cluster, devices);
    if (html.isPresent()) {
      Picture picture = new Picture(model + " on " + devices.describe());
      facts.draw(picture);
      picture.write(html.get());
    }
    if (json) {
      System.out.println(JsonMapper.shared().writeValueAsString(facts.json()));
    } else {
      facts.lines().forEach(System.out::println);
    }
    return ExitCode.DONE.code();
  }
}
