package dev.graft.cli;

import dev.graft.checkpoint.InvalidInputException;
import dev.graft.cluster.Cluster;
import dev.graft.cluster.ClusterReader;
import dev.graft.cluster.ComputeType;
import dev.graft.cost.AnalyticCosts;
import dev.graft.cost.CostModel;
import dev.graft.cost.Job;
import dev.graft.cost.ShapeReader;
import dev.graft.cost.Software;
import dev.graft.search.Fixed;
import dev.graft.search.PlanRequest;
import java.io.IOException;
import java.util.Optional;
import picocli.CommandLine.Option;

/** What is to be planned, as it stands on the command line. */
final class PlanOptions {
  @Option(
      names = "--model",
      paramLabel = "NAME|DIR|FILE",
      description = "A name that ships, a Hugging Face directory or a YAML file with a shape.")
  private Optional<String> model = Optional.empty();

  @Option(
      names = "--cluster",
      paramLabel = "NAME|NAMExCOUNT|FILE",
      description = "A name that ships, so many of its devices, or a YAML file.")
  private Optional<String> cluster = Optional.empty();

  @Option(
      names = "--sequence",
      paramLabel = "N",
      description = "Tokens of a sequence (${DEFAULT-VALUE}).",
      defaultValue = "8192")
  private int sequence;

  @Option(
      names = "--global-batch",
      paramLabel = "N",
      description = "Sequences of a step (${DEFAULT-VALUE}).",
      defaultValue = "1024")
  private int globalBatch;

  @Option(
      names = "--dtype",
      paramLabel = "bf16|fp8|f32",
      description = "In which matrices are multiplied (${DEFAULT-VALUE}).",
      defaultValue = "bf16")
  private String type;

  @Option(
      names = "--zero",
      paramLabel = "0..3",
      description = "What is sharded over DP (${DEFAULT-VALUE}: the optimiser).",
      defaultValue = "1")
  private int zero;

  @Option(
      names = "--capacity",
      paramLabel = "F",
      description = "Slots of an expert as a multiple of a fair share; 0 (the default) drops none.",
      defaultValue = "0")
  private double capacity;

  @Option(
      names = "--imbalance",
      paramLabel = "F",
      description = "Tokens of the fullest rank's experts beside a fair share (${DEFAULT-VALUE}).",
      defaultValue = "1")
  private double imbalance;

  @Option(
      names = "--fix",
      paramLabel = "pp=12,tp=4,…",
      description =
          "Holds parts of the mesh: pp, tp, dp, ep, etp, mb (micro-batch), chunks, experts=edp|ep|etp|none.")
  private Optional<String> fix = Optional.empty();

  String model() {
    return model.orElseThrow(() ->
        new InvalidInputException(
            "--model is missing; give one of "
                + String.join(", ", ShapeReader.names())
                + ", a directory or a YAML file"));
  }

  String clusterName() {
    return cluster.orElseThrow(() ->
        new InvalidInputException(
            "--cluster is missing; give one of "
                + String.join(", ", ClusterReader.NAMES)
                + ", such as a800x1536, or a YAML file"));
  }

  Cluster cluster() throws IOException {
    return ClusterReader.read(clusterName());
  }

  PlanRequest request() throws IOException {
    return request(AnalyticCosts.fitted());
  }

  /** The request with costs from elsewhere, such as a profile. */
  PlanRequest request(CostModel costs) throws IOException {
    Job adamW = Job.adamW(sequence, globalBatch, ComputeType.of("--dtype", type));
    Job job =
        new Job(
            sequence,
            globalBatch,
            adamW.type(),
            adamW.optimizerBytes(),
            adamW.gradientBytes(),
            zero,
            capacity,
            imbalance);
    return new PlanRequest(
        ShapeReader.read(model()),
        cluster(),
        job,
        Software.CURRENT,
        fix.isPresent() ? Fixed.parse("--fix", fix.get()) : Fixed.NOTHING,
        costs);
  }
}
