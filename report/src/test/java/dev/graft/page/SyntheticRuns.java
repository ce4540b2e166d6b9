package dev.graft.page;

import dev.graft.events.Event;
import dev.graft.events.EventLog;
import dev.graft.events.LayerStats;
import dev.graft.tensorboard.TensorBoardWriter;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;

/**
 * Runs that look like real ones, made from formulas and a seed, so that the page can be tested and
 * looked at without training anything.
 *
 * @param steps optimiser steps
 * @param layers MoE layers
 * @param experts of a layer
 */
record SyntheticRuns(int steps, int layers, int experts) {
  private static final int TOKENS_PER_STEP = 4096;

  enum Kind {
    DENSE,
    UPCYCLED,
    SCRATCH
  }

  /** Writes {@code folder/NAME/events.jsonl} and returns {@code folder/NAME}. */
  Path write(Path folder, String name, Kind kind, double lr, int seed) throws IOException {
    Path run = folder.resolve(name);
    try (EventLog log = EventLog.append(run.resolve("events.jsonl"));
        TensorBoardWriter board = TensorBoardWriter.open(run.resolve("tensorboard"))) {
      for (Event event : events(name, kind, lr, seed)) {
        log.write(event);
        board.write(event);
      }
    }
    return run;
  }

  List<Event> events(String name, Kind kind, double lr, int seed) {
    Random random = new Random(seed * 31L + kind.name().length());
    List<Event> events = new ArrayList<>();
    events.add(run(name, kind, lr, seed));
    int moeLayers = kind == Kind.DENSE ? 0 : layers;
    double[] alpha = new double[moeLayers];
    double[][] bias = new double[moeLayers][experts];
    for (double[] row : bias) {
      for (int e = 0; e < experts; e++) {
        row[e] = random.nextGaussian();
      }
    }
    for (int step = 1; step <= steps; step++) {
      double done = (double) step / steps;
      long tokens = (long) step * TOKENS_PER_STEP;
      double loss = loss(kind, lr, done, seed) + 0.03 * random.nextGaussian();
      List<LayerStats> stats = new ArrayList<>();
      for (int l = 0; l < moeLayers; l++) {
        stats.add(layer(l, done, kind, alpha, bias[l], random));
      }
      double perSecond =
          (kind == Kind.DENSE ? 9100 : 6200)
              * (1 + 0.02 * random.nextGaussian())
              * (step < 4 ? 0.4 * step : 1)
              * (step % 50 == 0 ? 0.8 : 1);
      events.add(
          new Event.Step(
              step,
              tokens,
              loss,
              stats.stream().mapToDouble(s -> s.alpha() * s.auxLoss()).sum(),
              0,
              lr * (step <= 20 ? step / 20.0 : 0.1 + 0.45 * (1 + Math.cos(Math.PI * done))),
              (1.6 - done) * Math.exp(0.15 * random.nextGaussian()) + (step % 97 == 0 ? 2 : 0),
              TOKENS_PER_STEP / perSecond,
              perSecond,
              perSecond / 24_000,
              (kind == Kind.DENSE ? 410L : 760L) * (1 << 20) + step * 4096L,
              stats));
      if (step % 20 == 0 || step == steps) {
        events.add(
            new Event.Validation(
                step,
                tokens,
                loss(kind, lr, done, seed) + 0.02 + 0.004 * random.nextGaussian(),
                65_536));
        if (moeLayers > 0) {
          List<Double> similarity = new ArrayList<>();
          for (int l = 0; l < moeLayers; l++) {
            similarity.add(
                kind == Kind.SCRATCH
                    ? 0.02 + 0.03 * done
                    : 1 - (0.12 + 0.02 * l) * (1 - Math.exp(-3 * done)));
          }
          events.add(new Event.Similarity(step, tokens, similarity));
        }
      }
      if (step % 100 == 0 || step == steps) {
        events.add(
            new Event.Sample(
                step,
                "Once upon a time",
                ", there was a little girl named Lily. She loved to play outside in the park. One"
                    + " day, she saw a big, red ball."
                    + (done > 0.5
                        ? " “Can I play with it?” she asked.\nHer mom smiled."
                        : " the the")));
        events.add(new Event.Saved(step, "checkpoints/step-" + step));
      }
    }
    return events;
  }

  private static double loss(Kind kind, double lr, double done, int seed) {
    double speed = 1 + 0.3 * Math.log10(lr / 3e-4);
    double offset = 0.008 * Math.sin(seed * 1.7) + 0.03 * Math.pow(Math.log10(lr / 1e-3), 2);
    return offset
        + switch (kind) {
          case DENSE -> 1.62 + 0.42 * Math.exp(-4 * done * speed);
          case UPCYCLED -> 1.52 + 0.52 * Math.exp(-3.5 * done * speed);
          case SCRATCH -> 1.74 + 4.5 * Math.exp(-18 * done * speed) + Math.exp(-4 * done * speed);
        };
  }

  /** α follows the rule of the paper from the drop rate, so the page shows a true pair. */
  private LayerStats layer(
      int l, double done, Kind kind, double[] alpha, double[] bias, Random random) {
    double sharp = 0.15 + 0.9 * done * (kind == Kind.SCRATCH ? 0.7 : 1);
    double control = Math.min(1, alpha[l] / 0.004) * done;
    double[] share = new double[experts];
    double sum = 0;
    for (int e = 0; e < experts; e++) {
      share[e] =
          Math.exp(
              bias[e] * (0.55 - 0.45 * control) * (1 + 0.1 * l) + 0.08 * random.nextGaussian());
      sum += share[e];
    }
    List<Double> load = new ArrayList<>();
    double dropped = 0;
    double imbalance = 0;
    for (int e = 0; e < experts; e++) {
      double part = share[e] / sum;
      load.add(part);
      dropped += Math.max(0, part - 1.25 / experts);
      imbalance += Math.pow(1.0 / experts - part, 2);
    }
    double used = alpha[l];
    alpha[l] = 0.99 * used + 0.01 * Math.min(dropped / 5, 0.01);
    return new LayerStats(
        l,
        dropped,
        used,
        imbalance,
        1.15 + sharp * (1 + 0.15 * l) + 0.02 * random.nextGaussian(),
        1.12 + 0.35 * sharp + 0.01 * random.nextGaussian(),
        Math.log(experts) * (1 - 0.45 * sharp) + 0.01 * random.nextGaussian(),
        load);
  }

  private Event.Run run(String name, Kind kind, double lr, int seed) {
    Map<String, Object> optimizer = new LinkedHashMap<>();
    optimizer.put("lr", lr);
    optimizer.put("min_lr", lr / 10);
    optimizer.put("schedule", "cosine");
    optimizer.put("warmup_steps", 20);
    optimizer.put("betas", List.of(0.9, 0.95));
    optimizer.put("weight_decay", 0.1);
    Map<String, Object> recipe = new LinkedHashMap<>();
    recipe.put("model", kind == Kind.DENSE ? "dense" : kind == Kind.UPCYCLED ? "moe" : "scratch");
    recipe.put("data", Map.of("train", List.of(Map.of("tokens", "corpus/train", "weight", 1.0))));
    recipe.put("sequence_length", 256);
    recipe.put("global_batch_size", 16);
    recipe.put("steps", steps);
    recipe.put("seed", seed);
    recipe.put("optimizer", optimizer);
    if (kind != Kind.DENSE) {
      recipe.put(
          "routing",
          Map.of(
              "gating",
              "normalized",
              "capacity_factor",
              1.25,
              "balance",
              Map.of("kind", "adaptive", "xi", 0.2, "alpha_max", 0.01, "beta", 0.99)));
    }
    Map<String, Object> model = new LinkedHashMap<>();
    model.put("architecture", kind == Kind.DENSE ? "LlamaForCausalLM" : "SkyworkForCausalLM");
    model.put("num_hidden_layers", layers);
    model.put("hidden_size", 128);
    model.put("num_experts", kind == Kind.DENSE ? 1 : experts);
    model.put("parameters", kind == Kind.DENSE ? 1_310_720 : 4_587_520);
    model.put("active_parameters", kind == Kind.DENSE ? 1_310_720 : 1_835_008);
    return new Event.Run(
        name,
        recipe,
        model,
        kind == Kind.DENSE ? 8.3e6 : 1.17e7,
        "6 · active parameters + 12 · layers · heads · head size · sequence length, per token");
  }
}
