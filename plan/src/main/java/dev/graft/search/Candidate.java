package dev.graft.search;

import dev.graft.cluster.Cluster;
import dev.graft.cluster.Device;
import dev.graft.cost.LayerCosts;
import dev.graft.cost.Parallelism;
import dev.graft.cost.Part;
import dev.graft.cost.PartCost;
import dev.graft.cost.Recompute;
import dev.graft.cost.Setting;
import dev.graft.cost.TransformerShape;
import dev.graft.memory.MemoryUse;
import dev.graft.memory.StageMemory;
import dev.graft.memory.StageMemory.Layers;
import dev.graft.pipeline.StageTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * A mesh and a micro-batch, before it is decided which layers stand where: a problem for {@link
 * PartitionSearch}, and the price of any answer.
 */
final class Candidate implements PipelineProblem {
  /** Of a device's memory, what a plan may fill. */
  static final double FILL = 0.96;

  private final PlanRequest request;
  private final Parallelism mesh;
  private final int microBatch;
  private final int microBatches;
  private final TransformerShape shape;
  private final StageMemory memory;
  private final List<Device> devices = new ArrayList<>();
  private final List<LayerCosts> costs = new ArrayList<>();
  private final double fill;

  Candidate(PlanRequest request, Parallelism mesh, int microBatch) {
    this(request, mesh, microBatch, FILL);
  }

  private Candidate(PlanRequest request, Parallelism mesh, int microBatch, double fill) {
    this.request = request;
    this.mesh = mesh;
    this.microBatch = microBatch;
    this.fill = fill;
    microBatches = mesh.microBatches(request.job().globalBatch(), microBatch);
    shape = request.shape();
    memory = new StageMemory(request.job(), mesh, microBatches);
    Map<Device, LayerCosts> known = new LinkedHashMap<>();
    for (int stage = 0; stage < mesh.pp(); stage++) {
      Device device = slowest(request.cluster(), stage * mesh.stageRanks(), mesh.stageRanks());
      devices.add(device);
      costs.add(known.computeIfAbsent(device, d -> request.model().costs(setting(d))));
    }
  }

  /** The same with memory without end: where layers go when nothing needs to be recomputed. */
  Candidate unlimited() {
    return new Candidate(request, mesh, microBatch, Double.POSITIVE_INFINITY);
  }

  Parallelism mesh() {
    return mesh;
  }

  int microBatch() {
    return microBatch;
  }

  /** What a stage of unequal devices is worth: the slowest one's rate, the smallest memory. */
  private Device slowest(Cluster cluster, int first, int count) {
    Device worst = cluster.device(first);
    if (cluster.isUniform()) {
      return worst;
    }
    double least = worst.memory();
    for (int rank = first; rank < first + count; rank++) {
      Device device = cluster.device(rank);
      least = Math.min(least, device.memory());
      if (device.peak(request.job().type()) < worst.peak(request.job().type())) {
        worst = device;
      }
    }
    return new Device(
        worst.name(), least, worst.peak(), worst.memoryBandwidth(), worst.achievable());
  }

  private Setting setting(Device device) {
    return new Setting(
        shape,
        request.job(),
        mesh,
        microBatch,
        Recompute.NONE,
        device,
        request.cluster(),
        request.software());
  }

  @Override
  public int layers() {
    return shape.layers();
  }

  @Override
  public int stages() {
    return mesh.pp();
  }

  @Override
  public int microBatches() {
    return microBatches;
  }

  @Override
  public double memory(int stage) {
    return fill * devices.get(stage).memory();
  }

  @Override
  public boolean isUniform() {
    return shape.denseLayers() == 0 || shape.experts().layers() == 0;
  }

  private Part kind(int layer) {
    return layer < shape.denseLayers() ? Part.DENSE_LAYER : Part.EXPERT_LAYER;
  }

  @Override
  public double time(int stage, int from, int count, int recomputed) {
    LayerCosts stageCosts = costs.get(stage);
    double seconds = 0;
    if (isUniform()) {
      PartCost layer = stageCosts.of(kind(0));
      seconds = count * (layer.forward() + layer.backward()) + recomputed * layer.recompute();
    } else {
      for (int i = from; i < from + count; i++) {
        PartCost layer = stageCosts.of(kind(i));
        seconds +=
            layer.forward() + layer.backward() + (double) recomputed / count * layer.recompute();
      }
    }
    if (stage == 0) {
      seconds += both(stageCosts.of(Part.EMBEDDING));
    }
    if (stage == mesh.pp() - 1) {
      seconds += both(stageCosts.of(Part.HEAD));
    }
    return seconds;
  }

  private static double both(PartCost cost) {
    return cost.forward() + cost.backward();
  }

  @Override
  public double bytes(int stage, int from, int count, int recomputed) {
    return use(stage, from, count, recomputed).total();
  }

  private MemoryUse use(int stage, int from, int count, double recomputed) {
    int dense = Math.clamp(shape.denseLayers() - from, 0, count);
    double trunk = Weights.trunk(shape, mesh, stage, dense, count - dense);
    double experts = Weights.experts(shape, mesh, count - dense);
    double share = count == 0 ? 0 : recomputed / count;
    return memory.of(
        costs.get(stage),
        stage,
        List.of(
            new Layers(Part.DENSE_LAYER, dense, dense * share),
            new Layers(Part.EXPERT_LAYER, count - dense, (count - dense) * share)),
        trunk,
        experts);
  }

  /** The least that any answer takes: all stages alike, nothing recomputed. */
  double leastSeconds() {
    double total = 0;
    for (int layer = 0; layer < layers(); layer++) {
      total += both(costs.getFirst().of(kind(layer)));
    }
    total += both(costs.getFirst().of(Part.EMBEDDING)) + both(costs.getFirst().of(Part.HEAD));
    double fastest =
        devices.stream().mapToDouble(device -> device.peak(request.job().type())).max().orElse(1);
    double mean = total / mesh.pp() * devices.getFirst().peak(request.job().type()) / fastest;
    return mean * (microBatches + (mesh.pp() - 1.0) / mesh.chunks());
  }

  /** Bytes of the fullest stage of an even split with everything recomputed, and which stage. */
  Lean leanest() {
    int[] counts = perStage(Pricing.even(layers(), mesh.pp() * mesh.chunks()));
    Lean worst = new Lean(0, new MemoryUse(0, 0, 0, 0, 0, 0), 1);
    double most = -1;
    int from = 0;
    for (int stage = 0; stage < mesh.pp(); stage++) {
      MemoryUse use = use(stage, from, counts[stage], counts[stage]);
      from += counts[stage];
      if (use.total() / memory(stage) > most) {
        most = use.total() / memory(stage);
        worst = new Lean(stage, use, memory(stage));
      }
    }
    return worst;
  }

  /** A stage and what it holds at the least. */
  record Lean(int stage, MemoryUse use, double limit) {
    boolean fits() {
      return use.total() <= limit;
    }
  }

  /**
   * The best answer: of the dynamic programme's and the even splits.
   *
   * @param worth seconds of a step from which on an answer is not looked for
   * @return empty if none fits, or none is faster
   */
  Optional<Plan> best(double worth) {
    Stream<Split> splits =
        filled(perStage(Pricing.even(layers(), mesh.pp() * mesh.chunks()))).stream();
    if (mesh.chunks() == 1) {
      Stream<Split> found =
          PartitionSearch.best(this).stream()
              .map(answer -> new Split(answer.stages(), answer.recompute()));
      splits = Stream.concat(Stream.concat(splits, filled(blind()).stream()), found);
    }
    return splits
        .distinct()
        .filter(split -> busiest(split) * microBatches < worth)
        .map(this::price)
        .min(Comparator.comparingDouble(Plan::seconds));
  }

  /**
   * An answer.
   *
   * @param layers of each stage
   * @param recomputed how many of them are recomputed whole
   */
  record Split(List<Integer> layers, List<Integer> recomputed) {}

  /** Seconds of the slowest stage for a micro-batch: no step is shorter than m of them. */
  private double busiest(Split split) {
    double longest = 0;
    int from = 0;
    for (int stage = 0; stage < mesh.pp(); stage++) {
      int count = split.layers().get(stage);
      longest = Math.max(longest, time(stage, from, count, split.recomputed().get(stage)));
      from += count;
    }
    return longest;
  }

  private Plan price(Split split) {
    return price(split.layers(), split.recomputed());
  }

  /** The even split that does not see embedding and head: the first stages have one layer more. */
  Optional<Plan> even() {
    return filled(blind()).map(this::price);
  }

  /** The same, each stage recomputing the share of its layers that the tightest one needs. */
  Optional<Plan> evenAlike() {
    return even()
        .map(each -> {
          double share =
              each.stages().stream()
                  .mapToDouble(stage -> (double) stage.recomputed() / Math.max(1, stage.layers()))
                  .max()
                  .orElse(0);
          List<Integer> alike =
              each.layers().stream().map(count -> (int) Math.ceil(share * count - 1e-9)).toList();
          return price(each.layers(), alike);
        });
  }

  private int[] blind() {
    int[] counts = new int[mesh.pp()];
    for (int stage = 0; stage < counts.length; stage++) {
      counts[stage] = layers() / counts.length + (stage < layers() % counts.length ? 1 : 0);
    }
    return counts;
  }

  /** The price of layers here and there with what each stage needs recomputed. */
  Optional<Plan> priced(List<Integer> counts) {
    return filled(counts.stream().mapToInt(Integer::intValue).toArray()).map(this::price);
  }

  /** A split with what each stage needs recomputed; empty if it does not fit. */
  private Optional<Split> filled(int[] counts) {
    List<Integer> recomputed = new ArrayList<>();
    int from = 0;
    for (int stage = 0; stage < mesh.pp(); stage++) {
      int needed = 0;
      while (needed <= counts[stage] && bytes(stage, from, counts[stage], needed) > memory(stage)) {
        needed++;
      }
      if (needed > counts[stage]) {
        return Optional.empty();
      }
      recomputed.add(needed);
      from += counts[stage];
    }
    return Optional.of(new Split(Arrays.stream(counts).boxed().toList(), recomputed));
  }

  private int[] perStage(int[] parts) {
    int[] counts = new int[mesh.pp()];
    for (int part = 0; part < parts.length; part++) {
      counts[part % mesh.pp()] += parts[part];
    }
    return counts;
  }

  /** The price of an answer: a simulated step and each stage's memory. */
  private Plan price(List<Integer> counts, List<Integer> recomputed) {
    int[] parts =
        mesh.chunks() == 1
            ? counts.stream().mapToInt(Integer::intValue).toArray()
            : Pricing.even(layers(), mesh.pp() * mesh.chunks());
    double[] again = new double[parts.length];
    for (int part = 0; part < parts.length; part++) {
      int stage = part % mesh.pp();
      again[part] = parts[part] * (double) recomputed.get(stage) / Math.max(1, counts.get(stage));
    }
    Pricing.Price price =
        Pricing.price(setting(devices.getFirst()), costs, parts, again, microBatches);
    List<StagePlan> stages = new ArrayList<>();
    int from = 0;
    for (int stage = 0; stage < mesh.pp(); stage++) {
      double forward = 0;
      double backward = 0;
      for (int part = stage; part < parts.length; part += mesh.pp()) {
        StageTime time = price.times().get(part);
        forward += time.forward();
        backward += time.backward();
      }
      stages.add(
          new StagePlan(
              counts.get(stage),
              recomputed.get(stage),
              forward,
              backward,
              use(stage, from, counts.get(stage), recomputed.get(stage)),
              devices.get(stage).name(),
              devices.get(stage).memory()));
      from += counts.get(stage);
    }
    double rate = request.job().tokens() / price.seconds() / mesh.world();
    double flops = rate * shape.trainingFlopsPerToken(request.job().sequence());
    double peak =
        request.cluster().kinds().stream()
                .mapToDouble(kind -> kind.count() * kind.device().peak(request.job().type()))
                .sum()
            / request.cluster().size();
    return new Plan(
        mesh,
        microBatch,
        microBatches,
        Recompute.NONE,
        stages,
        price.seconds(),
        rate,
        flops,
        flops / peak,
        price.terms(),
        binds(price, stages));
  }

  private static String binds(Pricing.Price price, List<StagePlan> stages) {
    int slowest = 0;
    int fullest = 0;
    int again = 0;
    for (int i = 0; i < stages.size(); i++) {
      StagePlan stage = stages.get(i);
      if (time(stage) > time(stages.get(slowest)) * (1 + 1e-9)) {
        slowest = i;
      }
      if (fill(stage) > fill(stages.get(fullest))) {
        fullest = i;
      }
      again += stage.recomputed();
    }
    Map<String, Double> lost = new LinkedHashMap<>(price.terms());
    double useful = 0;
    for (String term : List.of("gemm", "experts", "attention")) {
      useful += lost.getOrDefault(term, 0.0);
      lost.remove(term);
    }
    Map.Entry<String, Double> most =
        lost.entrySet().stream().max(Map.Entry.comparingByValue()).orElseThrow();
    StringBuilder text = new StringBuilder();
    text.append(
        String.format(
            Locale.ROOT,
            "%.0f %% of the step multiplies matrices, %s takes %.0f %%",
            100 * useful / price.seconds(),
            most.getKey(),
            100 * most.getValue() / price.seconds()));
    if (stages.size() > 1) {
      text.append("; stage ").append(slowest).append(" is the slowest");
    }
    text.append(
        String.format(
            Locale.ROOT,
            "; memory is fullest on stage %d, %.0f of %.0f GB",
            fullest,
            stages.get(fullest).memory().total() / 1e9,
            stages.get(fullest).limit() / 1e9));
    if (again > 0) {
      text.append(", for which ").append(again).append(" layers are recomputed");
    }
    return text.toString();
  }

  private static double time(StagePlan stage) {
    return stage.forward() + stage.backward();
  }

  private static double fill(StagePlan stage) {
    return stage.memory().total() / stage.limit();
  }
}
