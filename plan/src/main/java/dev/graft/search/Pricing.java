package dev.graft.search;

import dev.graft.cost.CostModel;
import dev.graft.cost.LayerCosts;
import dev.graft.cost.Parallelism;
import dev.graft.cost.Part;
import dev.graft.cost.PartCost;
import dev.graft.cost.Setting;
import dev.graft.cost.Term;
import dev.graft.cost.TransformerShape;
import dev.graft.pipeline.OneForwardOneBackward;
import dev.graft.pipeline.StageTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.EnumMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What a step takes, once it is decided which layers stand where and which are recomputed. */
public final class Pricing {
  /**
   * What a step takes.
   *
   * @param seconds all of it
   * @param terms the same by name: what the busiest stage spends it on, what it waits for, and the
   *     end of the step; in this order
   * @param times of each model part
   */
  public record Price(double seconds, Map<String, Double> terms, List<StageTime> times) {
    /** Keeps its own list; the terms keep their order. */
    public Price {
      terms = Collections.unmodifiableMap(new LinkedHashMap<>(terms));
      times = List.copyOf(times);
    }
  }

  private Pricing() {}

  /**
   * Layers of each of n parts, as even as can be. Where they do not divide, the last part, which
   * has the head, and then the first, which has the embedding, go without (as BLOOM's stages did).
   */
  public static int[] even(int layers, int parts) {
    int[] counts = new int[parts];
    Arrays.fill(counts, layers / parts);
    for (int i = 1; i <= layers % parts; i++) {
      counts[i < parts - 1 ? i : 0]++;
    }
    return counts;
  }

  /**
   * Prices a step.
   *
   * @param counts layers of each model part, stages × chunks of them
   * @param recomputed layers of each that are recomputed whole
   */
  public static Price price(
      Setting setting, CostModel model, int[] counts, double[] recomputed, int microBatches) {
    return price(
        setting,
        Collections.nCopies(setting.parallelism().pp(), model.costs(setting)),
        counts,
        recomputed,
        microBatches);
  }

  /** The same over stages of unequal devices, each with its costs. */
  public static Price price(
      Setting setting,
      List<LayerCosts> stages,
      int[] counts,
      double[] recomputed,
      int microBatches) {
    Parallelism mesh = setting.parallelism();
    TransformerShape shape = setting.shape();
    int parts = counts.length;
    double send = stages.getFirst().sendSeconds();
    List<StageTime> times = new ArrayList<>();
    List<Map<Term, Double>> terms = new ArrayList<>();
    double[] cover = new double[mesh.pp()];
    int at = 0;
    for (int part = 0; part < parts; part++) {
      Map<Term, Double> spent = new EnumMap<>(Term.class);
      LayerCosts costs = stages.get(part % mesh.pp());
      double forward = 0;
      double backward = 0;
      double again = counts[part] == 0 ? 0 : recomputed[part] / counts[part];
      for (int layer = at; layer < at + counts[part]; layer++) {
        Part kind = layer < shape.denseLayers() ? Part.DENSE_LAYER : Part.EXPERT_LAYER;
        PartCost cost = costs.of(kind);
        forward += cost.forward();
        backward += cost.backward() + again * cost.recompute();
        collect(spent, cost, 1 + again);
      }
      at += counts[part];
      for (Part end : List.of(Part.EMBEDDING, Part.HEAD)) {
        if (part == (end == Part.EMBEDDING ? 0 : parts - 1)) {
          PartCost cost = costs.of(end);
          forward += cost.forward();
          backward += cost.backward();
          collect(spent, cost, 1);
        }
      }
      // What a stage sends and receives between its passes is not hidden unless chunks are.
      double between = mesh.chunks() == 1 ? send : 0;
      times.add(new StageTime(forward + between, backward + between));
      terms.add(spent);
      int stage = part % mesh.pp();
      cover[stage] += forward + backward;
    }
    Weights weights = Weights.of(shape, mesh, counts);
    OneForwardOneBackward schedule =
        OneForwardOneBackward.simulate(times, mesh.pp(), microBatches, send);
    int slowest = 0;
    double end = -1;
    LayerCosts.StepCost last = new LayerCosts.StepCost(0, 0);
    for (int stage = 0; stage < mesh.pp(); stage++) {
      LayerCosts.StepCost step =
          stages.get(stage).step(weights.trunk()[stage], weights.experts()[stage], cover[stage]);
      if (step.seconds() > end) {
        end = step.seconds();
        last = step;
      }
      if (schedule.busy().get(stage) > schedule.busy().get(slowest)) {
        slowest = stage;
      }
    }
    Map<String, Double> named = new LinkedHashMap<>();
    for (Term term : Term.values()) {
      double sum = 0;
      for (int part = slowest; part < parts; part += mesh.pp()) {
        sum += terms.get(part).getOrDefault(term, 0.0) * microBatches;
      }
      if (sum > 0) {
        named.put(term.words(), sum);
      }
    }
    double busy = named.values().stream().mapToDouble(Double::doubleValue).sum();
    named.put("pipeline", Math.max(0, schedule.seconds() - busy));
    named.put("data parallel", last.exchange());
    named.put("optimizer", last.optimizer());
    return new Price(schedule.seconds() + end, named, times);
  }

  private static void collect(Map<Term, Double> spent, PartCost cost, double forwards) {
    cost.forwardTerms()
        .forEach((term, seconds) ->
            spent.merge(term, seconds * (term == Term.WEIGHT_GATHER ? 1 : forwards), Double::sum));
    cost.backwardTerms().forEach((term, seconds) -> spent.merge(term, seconds, Double::sum));
  }
}
