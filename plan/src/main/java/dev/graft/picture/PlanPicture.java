package dev.graft.picture;

import dev.graft.memory.MemoryTimeline;
import dev.graft.memory.MemoryUse;
import dev.graft.pipeline.OneForwardOneBackward;
import dev.graft.pipeline.Pass;
import dev.graft.pipeline.StageTime;
import dev.graft.search.Plan;
import dev.graft.search.StagePlan;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/** A plan as {@code plan.js} draws it. */
final class PlanPicture {
  /** Passes of a step that are drawn; a step of more is drawn from its start on. */
  private static final int MOST = 3000;

  private static final Map<String, ToDoubleFunction<MemoryUse>> PARTS = parts();

  private PlanPicture() {}

  private static Map<String, ToDoubleFunction<MemoryUse>> parts() {
    Map<String, ToDoubleFunction<MemoryUse>> parts = new LinkedHashMap<>();
    parts.put("weights", MemoryUse::weights);
    parts.put("gradients", MemoryUse::gradients);
    parts.put("optimizer", MemoryUse::optimizer);
    parts.put("activations", MemoryUse::activations);
    parts.put("working", MemoryUse::working);
    parts.put("buffers", MemoryUse::buffers);
    return parts;
  }

  /**
   * A plan.
   *
   * @param name for people
   */
  static ObjectNode of(String name, Plan plan) {
    OneForwardOneBackward pipeline = simulate(plan);
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.put("name", name);
    json.put("micro_batch", plan.microBatch());
    json.put("micro_batches", plan.microBatches());
    json.put("seconds", plan.seconds());
    json.put("tokens_per_second", plan.tokensPerSecondPerDevice());
    json.put("mfu", plan.mfu());
    json.put("bubble", pipeline.bubble());
    json.put("binds", plan.binds());
    ObjectNode terms = json.putObject("terms");
    plan.terms().forEach(terms::put);
    ArrayNode stages = json.putArray("stages");
    for (StagePlan stage : plan.stages()) {
      stages
          .addObject()
          .put("layers", stage.layers())
          .put("recomputed", stage.recomputed())
          .put("forward", stage.forward())
          .put("backward", stage.backward())
          .put("bytes", stage.memory().total())
          .put("limit", stage.limit());
    }
    json.put(
        "limit", plan.stages().stream().mapToDouble(StagePlan::limit).min().orElse(Double.NaN));
    ArrayNode parts = json.putArray("parts");
    PARTS.forEach((part, bytes) -> {
      if (plan.stages().stream().anyMatch(stage -> bytes.applyAsDouble(stage.memory()) > 0)) {
        ArrayNode values = parts.addObject().put("name", part).putArray("bytes");
        plan.stages().forEach(stage -> values.add(bytes.applyAsDouble(stage.memory())));
      }
    });
    passes(json.putObject("passes"), pipeline);
    ArrayNode memory = json.putArray("memory");
    for (int s = 0; s < plan.stages().size(); s++) {
      memory.add(overTime(s, plan.stages().get(s), pipeline));
    }
    return json;
  }

  private static void passes(ObjectNode json, OneForwardOneBackward pipeline) {
    List<Pass> drawn =
        pipeline.passes().stream()
            .sorted(Comparator.comparingDouble(Pass::start))
            .limit(MOST)
            .toList();
    ArrayNode stage = json.putArray("stage");
    ArrayNode micro = json.putArray("micro");
    ArrayNode forward = json.putArray("forward");
    ArrayNode start = json.putArray("start");
    ArrayNode end = json.putArray("end");
    for (Pass pass : drawn) {
      stage.add(pass.stage());
      micro.add(pass.microBatch());
      forward.add(pass.isForward());
      start.add(rounded(pass.start()));
      end.add(rounded(pass.end()));
    }
  }

  private static ObjectNode overTime(int number, StagePlan stage, OneForwardOneBackward pipeline) {
    ObjectNode json = JsonNodeFactory.instance.objectNode().put("stage", number);
    ArrayNode at = json.putArray("at");
    ArrayNode bytes = json.putArray("bytes");
    double held = 0;
    for (MemoryTimeline.Moment moment :
        MemoryTimeline.of(pipeline, number, stage.memory()).moments()) {
      if (!at.isEmpty()) { // it steps
        at.add(moment.seconds());
        bytes.add(held);
      }
      held = moment.bytes();
      at.add(moment.seconds());
      bytes.add(held);
    }
    at.add(pipeline.seconds());
    bytes.add(held);
    return json;
  }

  /** To a microsecond, which is less than a pixel. */
  private static double rounded(double seconds) {
    return Math.round(seconds * 1e6) / 1e6;
  }

  /** Its step; of several chunks a stage, each takes a part of the stage's time. */
  static OneForwardOneBackward simulate(Plan plan) {
    int chunks = plan.parallelism().chunks();
    List<StageTime> times = new ArrayList<>();
    for (int chunk = 0; chunk < chunks; chunk++) {
      for (StagePlan stage : plan.stages()) {
        times.add(new StageTime(stage.forward() / chunks, stage.backward() / chunks));
      }
    }
    return OneForwardOneBackward.simulate(times, plan.parallelism().pp(), plan.microBatches(), 0);
  }
}
