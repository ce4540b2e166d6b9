package dev.graft.published;

import dev.graft.checkpoint.InvalidInputException;
import dev.graft.cluster.Cluster;
import dev.graft.cluster.ClusterReader;
import dev.graft.cluster.ComputeType;
import dev.graft.cluster.Device;
import dev.graft.cluster.Fields;
import dev.graft.cluster.Link;
import dev.graft.cost.Job;
import dev.graft.cost.Parallelism;
import dev.graft.cost.Recompute;
import dev.graft.cost.Setting;
import dev.graft.cost.ShapeReader;
import dev.graft.cost.Software;
import dev.graft.cost.TransformerShape;
import dev.graft.published.PublishedRun.Metric;
import dev.graft.published.PublishedRun.Side;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Reads one row of a file of published runs. What a row leaves open is filled in by rules that are
 * the same for every row, and each use of one is noted.
 */
final class RunReader {
  private static final Pattern DIGITS = Pattern.compile("\\d+");
  private static final Pattern OF_LAYERS = Pattern.compile("(\\d+) of (\\d+) layers");
  private static final Pattern RATE = Pattern.compile("(?:(\\d+) (?:x |[A-Za-z-]+ ))?(\\d+) Gb/s");

  private final Fields row;
  private final Practices practices;
  private final List<String> assumptions = new ArrayList<>();

  RunReader(Fields row, Practices practices) {
    this.row = row;
    this.practices = practices;
  }

  /** A training run, or the forward and the backward time of a layer. */
  List<PublishedRun> read() {
    TransformerShape shape = ShapeReader.of(row.at("model"));
    int sequence = row.at("model").whole("seq", 1);
    Fields mesh = row.at("parallel");
    Practices.Practice practice = practices.of(row);
    int tp = mesh.whole("tp", 1);
    int pp = mesh.whole("pp", 1);
    int ep = mesh.whole("ep", 1, 1);
    int cp = mesh.whole("cp", 1, 1);
    int dp = mesh.whole("dp", 1);
    int microBatch = row.whole("micro_batch", 1, 1);
    if (!row.has("micro_batch")) {
      assumptions.add("micro-batch 1");
    }
    Side side = practices.fitted(row.text("group")) ? Side.FIT : Side.TEST;
    int batch = dp * microBatch * 32;
    if (row.has("global_batch_seqs")) {
      batch = row.whole("global_batch_seqs", 1);
    } else {
      side = Side.ILLUSTRATION;
      assumptions.add("32 micro-batches");
    }
    if (batch % (dp * microBatch) != 0) {
      throw new InvalidInputException(
          row.where("global_batch_seqs")
              + " is "
              + batch
              + ", which dp "
              + dp
              + " × micro-batch "
              + microBatch
              + " does not divide; correct one of them");
    }
    int microBatches = batch / (dp * microBatch);
    boolean sequenceParallel = tp > 1 && mesh.flag("sequence_parallel", true);
    if (tp > 1 && !mesh.has("sequence_parallel")) {
      assumptions.add("sequence parallel");
    }
    int etp = mesh.whole("etp", 1, ep > 1 || !sequenceParallel ? 1 : tp);
    if (shape.experts().layers() == 0) {
      etp = 1;
    }
    int chunks = chunks(mesh, shape, pp, microBatches);
    Job job = new Job(sequence, batch, type(), 12, practice.gradientBytes(), zero(mesh), 0, 1);
    Software software =
        new Software(
            practice.fusedAttention(),
            practice.hidesTensorParallel() && tp > 1,
            practice.hidesDataParallel(),
            practice.hidesAllToAll(),
            practice.oncePerNode(),
            practice.gathersPerLayer());
    Cluster cluster = cluster(row.at("hardware"));
    Recompute recompute = Recompute.NONE;
    double share = 0;
    String text = row.optionalText("recompute").orElse("").toLowerCase(Locale.ROOT);
    Matcher some = OF_LAYERS.matcher(text);
    if (some.find()) {
      share = Double.parseDouble(some.group(1)) / Double.parseDouble(some.group(2));
    } else if (text.startsWith("full")) {
      share = 1;
    } else if (text.startsWith("selective ac")) {
      // torchtitan's selective checkpointing keeps every other product of a layer.
      share = 0.5;
      assumptions.add("half of each layer recomputed");
    } else if (text.contains("moe]") || text.contains("mlp]")) {
      recompute = Recompute.FEED_FORWARD;
    } else if (text.startsWith("per-stage")) {
      share = 0.5;
      assumptions.add("half of the layers recomputed");
    } else if (text.equals("selective") || (text.isEmpty() && !software.fusedAttention())) {
      recompute = Recompute.SELECTIVE;
    }
    if (text.isEmpty()) {
      assumptions.add("nothing recomputed but scores");
    }
    Parallelism parallelism = new Parallelism(pp, chunks, dp, tp, cp, ep, etp, sequenceParallel);
    Setting setting =
        new Setting(
            shape, job, parallelism, microBatch, recompute, cluster.device(0), cluster, software);
    List<PublishedRun> runs = new ArrayList<>();
    for (Target target : targets(setting)) {
      runs.add(
          new PublishedRun(
              row.text("id"),
              row.text("group"),
              side,
              setting,
              share,
              microBatches,
              target.metric(),
              target.value(),
              assumptions,
              practice.why()));
    }
    return runs;
  }

  private record Target(Metric metric, double value) {}

  private List<Target> targets(Setting setting) {
    Fields reported = row.at("reported");
    return row.text("kind").equals("training")
        ? List.of(target(setting))
        : List.of(
            new Target(Metric.LAYER_FORWARD_MS, reported.positive("layer_forward_ms")),
            new Target(Metric.LAYER_BACKWARD_MS, reported.positive("layer_backward_ms")));
  }

  private Target target(Setting setting) {
    Fields reported = row.at("reported");
    int world = setting.parallelism().world();
    if (reported.has("iteration_s")) {
      return new Target(Metric.ITERATION_S, reported.positive("iteration_s"));
    }
    Metric rate = Metric.TOKENS_PER_S_PER_GPU;
    if (reported.has("tokens_per_s_per_gpu")) {
      return new Target(rate, reported.positive("tokens_per_s_per_gpu"));
    }
    if (reported.has("tokens_per_s_total")) {
      return new Target(rate, reported.positive("tokens_per_s_total") / world);
    }
    double flops;
    if (reported.has("tflops_per_gpu")) {
      flops = reported.positive("tflops_per_gpu") * 1e12;
    } else if (reported.has("mfu")) {
      flops = reported.positive("mfu") * row.at("hardware").positive("peak_bf16_tflops") * 1e12;
    } else {
      throw new InvalidInputException(
          row.where("reported")
              + " has no iteration_s, tokens_per_s_per_gpu, tflops_per_gpu or mfu; add one");
    }
    String formula = row.optionalText("flop_formula").orElse("").toLowerCase(Locale.ROOT);
    boolean causal =
        practices.of(row).causal() || (formula.contains("causal") && !formula.contains("full"));
    TransformerShape shape = setting.shape();
    int sequence = setting.job().sequence();
    double perToken =
        causal ? shape.causalFlopsPerToken(sequence) : shape.trainingFlopsPerToken(sequence);
    if (reported.flag("tflops_is_hardware", false)) {
      // Four forward passes in three; the head is not recomputed.
      double head = 6.0 * shape.vocab() * shape.hidden();
      perToken = (perToken - head) * 4 / 3 + head;
    }
    assumptions.add(
        "tokens/s from the printed FLOP/s by " + (causal ? "causal" : "all") + " scores");
    return new Target(rate, flops / perToken);
  }

  private int chunks(Fields mesh, TransformerShape shape, int pp, int microBatches) {
    String text = mesh.optionalText("vpp").orElse("");
    if (DIGITS.matcher(text).matches()) {
      int given = Integer.parseInt(text);
      if (given * pp <= shape.layers() + 2) {
        return pp == 1 ? 1 : given;
      }
    }
    if (pp == 1) {
      return 1;
    }
    int layers = (shape.layers() + pp - 1) / pp;
    if (microBatches % pp != 0) {
      return 1;
    }
    int chunks = 1;
    for (int c = 2; c <= Math.min(layers, 8); c++) {
      if (layers % c == 0) {
        chunks = c;
      }
    }
    assumptions.add("interleaved in " + chunks + " chunks a stage");
    return chunks;
  }

  private static int zero(Fields mesh) {
    String text = mesh.optionalText("zero").orElse("1").toLowerCase(Locale.ROOT);
    if (text.contains("fsdp)") || text.startsWith("2-like") || text.contains("distributed")) {
      return 1;
    }
    if (text.contains("fsdp")) {
      return 3;
    }
    Matcher digits = DIGITS.matcher(text);
    return digits.find() ? Integer.parseInt(digits.group()) : 1;
  }

  private ComputeType type() {
    String text = row.optionalText("dtype").orElse("bf16").toLowerCase(Locale.ROOT);
    return text.startsWith("fp8") ? ComputeType.FP8 : ComputeType.BF16;
  }

  private Cluster cluster(Fields hardware) {
    String gpu = hardware.text("gpu");
    String name =
        ClusterReader.NAMES.stream()
            .filter(known -> gpu.toLowerCase(Locale.ROOT).contains(known))
            .findFirst()
            .orElseThrow(() ->
                new InvalidInputException(
                    row.where("hardware.gpu")
                        + " is '"
                        + gpu
                        + "', which is none of "
                        + String.join(", ", ClusterReader.NAMES)));
    Cluster like = ClusterReader.named(name);
    Device known = like.device(0);
    Map<ComputeType, Double> peak = new EnumMap<>(known.peak());
    if (hardware.has("peak_bf16_tflops")) {
      peak.put(ComputeType.BF16, hardware.positive("peak_bf16_tflops") * 1e12);
    }
    if (hardware.has("peak_fp8_tflops")) {
      peak.put(ComputeType.FP8, hardware.positive("peak_fp8_tflops") * 1e12);
    }
    Device device =
        new Device(
            gpu,
            hardware.has("hbm_gb") ? hardware.positive("hbm_gb") * 1e9 : known.memory(),
            peak,
            hardware.has("hbm_tbps")
                ? hardware.positive("hbm_tbps") * 1e12
                : known.memoryBandwidth(),
            OptionalDouble.empty());
    int node = hardware.whole("gpus_per_node", 1, like.nodeSize());
    Link between =
        hardware
            .optionalText("inter")
            .flatMap(text -> network(text, node))
            .map(rate -> new Link(rate, like.between().latency()))
            .orElseGet(() -> {
              assumptions.add("the network of a " + name + " node");
              return like.between();
            });
    return new Cluster(
        gpu,
        List.of(new Cluster.Kind(device, hardware.whole("count", 1))),
        node,
        like.inside(),
        between);
  }

  /** Bytes/s of a device from words such as {@code 8 x 200 Gb/s HDR IB HCAs per node}. */
  private static Optional<Double> network(String text, int node) {
    Matcher rate = RATE.matcher(text);
    if (!rate.find()) {
      return Optional.empty();
    }
    double links = rate.group(1) == null ? 1 : Double.parseDouble(rate.group(1));
    double bits = links * Double.parseDouble(rate.group(2)) * 1e9;
    boolean perNode = text.contains("per node");
    return Optional.of(bits / 8 / (perNode ? node : 1));
  }
}
