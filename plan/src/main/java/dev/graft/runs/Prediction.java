package dev.graft.runs;

import dev.graft.cost.LayerCosts;
import dev.graft.cost.Part;
import dev.graft.cost.PartCost;
import dev.graft.cost.Setting;
import dev.graft.pipeline.OneForwardOneBackward;
import dev.graft.pipeline.Pass;
import dev.graft.pipeline.StageTime;
import java.util.ArrayList;
import java.util.List;

/**
 * A step of a given layout, predicted.
 *
 * @param seconds of the step
 * @param stages first to last
 * @param pipeline as simulated
 */
public record Prediction(
    double seconds, List<StagePrediction> stages, OneForwardOneBackward pipeline) {
  /** Keeps its own list. */
  public Prediction {
    stages = List.copyOf(stages);
  }

  /** Predicts a layout from costs of its parts. */
  public static Prediction of(Setting setting, LayerCosts costs, Layout layout) {
    int count = layout.layers().size();
    List<StageTime> times = new ArrayList<>();
    for (int s = 0; s < count; s++) {
      times.add(time(setting, costs, layout, s));
    }
    OneForwardOneBackward pipeline =
        OneForwardOneBackward.simulate(
            times, layout.microBatches(), count > 1 ? costs.sendSeconds() : 0);
    List<StagePrediction> stages = new ArrayList<>();
    double end = 0;
    for (int s = 0; s < count; s++) {
      StagePrediction stage = stage(setting, costs, layout, s, times.get(s), pipeline);
      stages.add(stage);
      end = Math.max(end, stage.end());
    }
    return new Prediction(pipeline.seconds() + end, stages, pipeline);
  }

  private static StagePrediction stage(
      Setting setting,
      LayerCosts costs,
      Layout layout,
      int number,
      StageTime time,
      OneForwardOneBackward pipeline) {
    int micros = layout.microBatches();
    double trunk = StageWeights.trunk(setting.shape(), layout, number);
    double experts = StageWeights.experts(setting.shape(), layout.layers().get(number));
    return new StagePrediction(
        micros * time.forward(),
        micros * time.backward(),
        waiting(pipeline, number),
        costs.step(trunk, experts, micros * (time.forward() + time.backward())).seconds(),
        (trunk + experts) * StageWeights.bytes(setting, layout),
        activations(setting, costs, layout, number),
        working(setting, costs, number, layout.layers().size()),
        (double) layout.processBytes());
  }

  private static StageTime time(Setting setting, LayerCosts costs, Layout layout, int number) {
    PartCost layer = costs.of(layer(setting));
    int layers = layout.layers().get(number);
    double forward = layers * layer.forward();
    double backward =
        layers * layer.backward() + layout.recomputed().get(number) * layer.recompute();
    for (Part part : ends(number, layout.layers().size())) {
      forward += costs.of(part).forward();
      backward += costs.of(part).backward();
    }
    return new StageTime(forward, backward);
  }

  static Part layer(Setting setting) {
    return setting.shape().experts().layers() > 0 ? Part.EXPERT_LAYER : Part.DENSE_LAYER;
  }

  private static List<Part> ends(int number, int stages) {
    List<Part> parts = new ArrayList<>();
    if (number == 0) {
      parts.add(Part.EMBEDDING);
    }
    if (number == stages - 1) {
      parts.add(Part.HEAD);
    }
    return parts;
  }

  /** Between its first pass's start and its last one's end, a stage that does not compute waits. */
  private static double waiting(OneForwardOneBackward pipeline, int number) {
    double busy = 0;
    double last = 0;
    for (Pass pass : pipeline.passes()) {
      if (pass.stage() == number) {
        busy += pass.end() - pass.start();
        last = Math.max(last, pass.end());
      }
    }
    return last - busy;
  }

  /** Of min(p − s, m) micro-batches: what layers keep, and the input of the first of them. */
  private static double activations(Setting setting, LayerCosts costs, Layout layout, int number) {
    PartCost layer = costs.of(layer(setting));
    int recomputed = layout.recomputed().get(number);
    int kept = layout.layers().get(number) - recomputed;
    double each =
        kept * layer.kept()
            + recomputed * layer.keptIfRecomputed()
            + costs.of(Part.EMBEDDING).kept();
    return OneForwardOneBackward.alive(number, layout.layers().size(), layout.microBatches())
        * each;
  }

  private static double working(Setting setting, LayerCosts costs, int number, int stages) {
    double most = costs.of(layer(setting)).working();
    for (Part part : ends(number, stages)) {
      most = Math.max(most, costs.of(part).working());
    }
    return most;
  }
}
