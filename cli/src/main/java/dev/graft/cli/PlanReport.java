package dev.graft.cli;

import dev.graft.cost.Job;
import dev.graft.cost.Parallelism;
import dev.graft.memory.MemoryUse;
import dev.graft.search.MegatronFlags;
import dev.graft.search.Plan;
import dev.graft.search.PlanRequest;
import dev.graft.search.PlanSearch;
import dev.graft.search.PlanSearch.Found;
import dev.graft.search.PlanSearch.Gain;
import dev.graft.search.StagePlan;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Collectors;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** Plans as a table for people and as JSON. */
record PlanReport(
    String model, PlanRequest request, PlanSearch search, Found found, Optional<Beside> beside) {
  /** Printed next to each MFU. */
  static final String FORMULA =
      "3 x (2 x weights that multiply a token + 4 x sequence x heads x head_dim x layers) FLOPs a token, all scores counted, over the peak";

  /**
   * Another mesh.
   *
   * @param mesh as it was given
   * @param plan its best
   * @param even its even split, if that fits
   */
  record Beside(String mesh, Plan plan, Optional<Plan> even, Optional<Gain> gain) {}

  List<String> lines() {
    Job job = request.job();
    Plan best = found.plans().getFirst();
    List<String> lines = new ArrayList<>();
    lines.add(
        String.format(
            Locale.ROOT,
            "%s (%.1f billion parameters, %.1f active) on %s: sequence %d, global batch %d (%.1f M tokens), %s, ZeRO-%d",
            model,
            request.shape().parameters() / 1e9,
            request.shape().activeParameters() / 1e9,
            request.cluster().describe(),
            job.sequence(),
            job.globalBatch(),
            job.tokens() / 1e6,
            job.type().key(),
            job.zero()));
    lines.add(
        String.format(
            Locale.ROOT,
            "%,d meshes, %,d of them looked at; MFU: %s",
            found.meshes(),
            found.priced(),
            FORMULA));
    lines.add("");
    lines.add(
        String.format(
            Locale.ROOT,
            "%-44s %5s %9s %9s %7s %9s",
            "mesh",
            "mb",
            "step",
            "tokens/s",
            "MFU",
            "memory"));
    int number = 1;
    for (Plan plan : found.plans()) {
      lines.addAll(row(number + " ", plan));
      number++;
    }
    beside.ifPresent(other -> {
      lines.add("");
      lines.add("beside: " + other.mesh() + ", the same global batch");
      other.even().ifPresent(even -> lines.addAll(row("even ", even)));
      lines.addAll(row("best ", other.plan()));
      other.gain().ifPresent(gain -> lines.add(words(gain, other.plan())));
    });
    lines.add("");
    lines.add("Plan 1, stage by stage (seconds a micro-batch, GB a rank)");
    lines.addAll(stages(best));
    lines.add(
        "seconds of the busiest stage: "
            + best.terms().entrySet().stream()
                .map(term -> String.format(Locale.ROOT, "%s %.3f", term.getKey(), term.getValue()))
                .collect(Collectors.joining(", ")));
    search.gain(best).ifPresent(gain -> lines.add(words(gain, best)));
    lines.add("");
    MegatronFlags megatron = MegatronFlags.of(best, job, request.shape());
    lines.add("Megatron-Core: " + String.join(" ", megatron.flags()));
    lines.addAll(megatron.cannot());
    return lines;
  }

  private List<String> row(String name, Plan plan) {
    double most =
        plan.stages().stream().mapToDouble(stage -> stage.memory().total()).max().orElse(0);
    return List.of(
        String.format(
            Locale.ROOT,
            "%-44s %5d %7.2f s %9.0f %6.1f%% %6.1f GB",
            name + plan.parallelism().describe(),
            plan.microBatch(),
            plan.seconds(),
            plan.tokensPerSecondPerDevice(),
            100 * plan.mfu(),
            most / 1e9),
        "    layers " + plan.layers() + recomputed(plan),
        "    " + plan.binds());
  }

  private static String recomputed(Plan plan) {
    return plan.recomputed().stream().allMatch(count -> count == 0)
        ? ", none recomputed"
        : ", recomputed " + plan.recomputed();
  }

  private static List<String> stages(Plan plan) {
    List<String> lines = new ArrayList<>();
    lines.add(
        String.format(
            Locale.ROOT,
            "%5s %6s %10s %8s %8s %8s %9s %9s %11s %7s %7s %s",
            "stage",
            "layers",
            "recomputed",
            "forward",
            "backward",
            "weights",
            "gradients",
            "optimizer",
            "activations",
            "besides",
            "total",
            "device"));
    for (int i = 0; i < plan.stages().size(); i++) {
      StagePlan stage = plan.stages().get(i);
      MemoryUse memory = stage.memory();
      lines.add(
          String.format(
              Locale.ROOT,
              "%5d %6d %10d %8.4f %8.4f %8.1f %9.1f %9.1f %11.1f %7.1f %7.1f %s",
              i,
              stage.layers(),
              stage.recomputed(),
              stage.forward(),
              stage.backward(),
              memory.weights() / 1e9,
              memory.gradients() / 1e9,
              memory.optimizer() / 1e9,
              memory.activations() / 1e9,
              (memory.working() + memory.buffers()) / 1e9,
              memory.total() / 1e9,
              stage.device()));
    }
    return lines;
  }

  private static String words(Gain gain, Plan plan) {
    double even = gain.even().seconds();
    return String.format(
        Locale.ROOT,
        "The even split %s%s takes %.3f s; this one saves %.1f %%: %.3f s by recomputing only where it is needed, %.3f s by making room for embedding and head, %.3f s by moving layers to where memory is.",
        gain.even().layers(),
        recomputed(gain.even()),
        even,
        100 * (even - plan.seconds()) / even,
        gain.recompute(),
        gain.head(),
        gain.layers());
  }

  ObjectNode json() {
    ObjectNode object = JsonMapper.shared().createObjectNode();
    object.put("model", model);
    object.put("cluster", request.cluster().describe());
    object.put("sequence", request.job().sequence());
    object.put("global_batch", request.job().globalBatch());
    object.put("dtype", request.job().type().key());
    object.put("zero", request.job().zero());
    object.put("parameters", request.shape().parameters());
    object.put("active_parameters", request.shape().activeParameters());
    object.put("meshes", found.meshes());
    var plans = object.putArray("plans");
    for (Plan plan : found.plans()) {
      ObjectNode node = json(plan);
      search.gain(plan).ifPresent(gain -> node.set("even", json(gain, plan)));
      MegatronFlags megatron = MegatronFlags.of(plan, request.job(), request.shape());
      megatron.flags().forEach(node.putArray("megatron")::add);
      megatron.cannot().forEach(node.putArray("megatron_cannot")::add);
      plans.add(node);
    }
    beside.ifPresent(other -> {
      ObjectNode node = object.putObject("beside");
      node.put("mesh", other.mesh());
      node.set("best", json(other.plan()));
      other.even().ifPresent(even -> node.set("even", json(even)));
      other.gain().ifPresent(gain -> node.set("gain", json(gain, other.plan())));
    });
    return object;
  }

  private ObjectNode json(Plan plan) {
    Parallelism mesh = plan.parallelism();
    ObjectNode node = JsonMapper.shared().createObjectNode();
    node.put("pp", mesh.pp());
    node.put("chunks", mesh.chunks());
    node.put("dp", mesh.dp());
    node.put("tp", mesh.tp());
    node.put("ep", mesh.ep());
    node.put("etp", mesh.etp());
    node.put("experts", mesh.scheme());
    node.put("micro_batch", plan.microBatch());
    node.put("micro_batches", plan.microBatches());
    plan.layers().forEach(node.putArray("stages")::add);
    plan.recomputed().forEach(node.putArray("recompute")::add);
    node.put("step_seconds", plan.seconds());
    node.put("tokens_per_second_per_gpu", plan.tokensPerSecondPerDevice());
    node.put("mfu", plan.mfu());
    node.put("mfu_formula", FORMULA);
    node.put("model_flops_per_second_per_gpu", plan.modelFlops());
    node.put("binds", plan.binds());
    ObjectNode seconds = node.putObject("seconds");
    plan.terms().forEach(seconds::put);
    var memory = node.putArray("memory");
    for (StagePlan stage : plan.stages()) {
      ObjectNode use = memory.addObject();
      use.put("device", stage.device());
      use.put("forward_seconds", stage.forward());
      use.put("backward_seconds", stage.backward());
      use.put("weights", stage.memory().weights());
      use.put("gradients", stage.memory().gradients());
      use.put("optimizer", stage.memory().optimizer());
      use.put("activations", stage.memory().activations());
      use.put("working", stage.memory().working());
      use.put("buffers", stage.memory().buffers());
      use.put("total", stage.memory().total());
      use.put("limit", stage.limit());
    }
    return node;
  }

  private static ObjectNode json(Gain gain, Plan plan) {
    ObjectNode node = JsonMapper.shared().createObjectNode();
    gain.even().layers().forEach(node.putArray("stages")::add);
    gain.even().recomputed().forEach(node.putArray("recompute")::add);
    node.put("step_seconds", gain.even().seconds());
    node.put("gain", 1 - plan.seconds() / gain.even().seconds());
    node.put("recompute_seconds", gain.recompute());
    node.put("head_seconds", gain.head());
    node.put("layers_seconds", gain.layers());
    return node;
  }
}
