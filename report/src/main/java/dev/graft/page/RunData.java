package dev.graft.page;

import dev.graft.events.Event;
import dev.graft.events.InvalidRunException;
import dev.graft.events.LayerStats;
import dev.graft.events.RunEvents;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.ToDoubleFunction;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.databind.node.ObjectNode;

/**
 * One run as the page's script reads it: columns, thinned and rounded.
 *
 * @param series name and group
 * @param run the run's description, where it wrote one
 * @param summary from all of its events
 * @param json what goes into the page
 */
record RunData(Series series, Optional<Event.Run> run, Summary summary, ObjectNode json) {
  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;
  private static final int MOST_SAMPLES = 12;
  private static final int LONGEST_SAMPLE = 2000;

  /**
   * @throws InvalidRunException where there is neither a step nor a validation to draw
   */
  static RunData of(Series series, RunEvents events, Detail detail) {
    List<Event.Step> steps = events.of(Event.Step.class);
    List<Event.Validation> validations = onePerStep(events.of(Event.Validation.class));
    if (steps.isEmpty() && validations.isEmpty()) {
      throw new InvalidRunException(
          "%s holds no step yet; let the run take one, or leave it out".formatted(events.file()));
    }
    Summary summary = Summary.of(events);
    ObjectNode json = JSON.objectNode();
    json.put("name", series.name()).put("group", series.group());
    events.run().ifPresent(run -> describe(json, run));
    json.set("learning_rate", PageNumbers.number(LearningRate.of(series, events.run()), 6));
    json.set("summary", summary(summary, events.run()));
    json.set("curves", curves(steps, detail));
    json.set("validation", validation(validations, steps));
    List<Event.Step> routed = steps.stream().filter(step -> !step.layers().isEmpty()).toList();
    if (!routed.isEmpty()) {
      json.set("layers", layers(routed, detail));
      json.set("load", load(routed, detail));
    }
    List<Event.Similarity> similarities = events.of(Event.Similarity.class);
    if (!similarities.isEmpty()) {
      json.set("similarity", similarity(similarities, detail));
    }
    List<Event.Timeline> timelines =
        events.of(Event.Timeline.class).stream().filter(t -> t.tracks().size() > 1).toList();
    if (!timelines.isEmpty()) {
      json.set("timelines", TimelineData.of(timelines));
    }
    json.set("samples", samples(events.of(Event.Sample.class)));
    return new RunData(series, events.run(), summary, json);
  }

  /** A resumed run may measure the step of its checkpoint again. */
  private static List<Event.Validation> onePerStep(List<Event.Validation> validations) {
    Map<Integer, Event.Validation> byStep = new LinkedHashMap<>();
    validations.forEach(validation -> byStep.put(validation.step(), validation));
    return List.copyOf(byStep.values());
  }

  private static void describe(ObjectNode json, Event.Run run) {
    json.set("flops_per_token", PageNumbers.number(run.flopsPerToken(), 6));
    json.put("flops_formula", run.flopsFormula());
    ObjectNode configuration = json.putObject("configuration");
    FlatConfiguration.of(run.recipe()).forEach(configuration::put);
    ObjectNode model = json.putObject("model");
    FlatConfiguration.of(run.model()).forEach(model::put);
  }

  private static ObjectNode summary(Summary summary, Optional<Event.Run> run) {
    ObjectNode json = JSON.objectNode();
    json.put("steps", summary.steps()).put("tokens", summary.tokens());
    json.put("memory_bytes", summary.memoryBytes());
    json.set("loss", PageNumbers.number(summary.loss(), 6));
    json.set("validation_loss", PageNumbers.number(summary.validationLoss(), 6));
    summary
        .bestValidation()
        .ifPresent(best -> {
          json.set("best_validation_loss", PageNumbers.number(best.loss(), 6));
          json.put("best_validation_step", best.step());
        });
    json.set("tokens_per_second", PageNumbers.number(summary.tokensPerSecond(), 6));
    json.set("mfu", PageNumbers.number(summary.mfu(), 6));
    json.set("seconds", PageNumbers.number(summary.seconds(), 6));
    json.set("drop_rate", PageNumbers.number(summary.dropRate(), 6));
    for (String count : List.of("parameters", "active_parameters")) {
      if (run.map(r -> r.model().get(count)).orElse(null) instanceof Number number) {
        json.put(count, number.longValue());
      }
    }
    return json;
  }

  private static ObjectNode curves(List<Event.Step> steps, Detail detail) {
    Buckets buckets = Buckets.of(steps.size(), detail.curvePoints());
    double[] elapsed = elapsed(steps);
    ObjectNode json = JSON.objectNode();
    json.put("every", buckets.every());
    json.set("step", PageNumbers.whole(buckets.lasts(i -> steps.get(i).step())));
    json.set("tokens", PageNumbers.whole(buckets.lasts(i -> steps.get(i).tokens())));
    json.set("seconds", PageNumbers.column(buckets.lasts(i -> elapsed[i]), PageNumbers.FINE));
    Map<String, ToDoubleFunction<Event.Step>> measures = new LinkedHashMap<>();
    measures.put("loss", Event.Step::loss);
    measures.put("aux_loss", Event.Step::auxLoss);
    measures.put("z_loss", Event.Step::zLoss);
    measures.put("lr", Event.Step::lr);
    measures.put("grad_norm", Event.Step::gradNorm);
    measures.put("tokens_per_second", Event.Step::tokensPerSecond);
    measures.put("mfu", Event.Step::mfu);
    measures.put("memory_bytes", Event.Step::memoryBytes);
    measures.forEach((name, measure) -> {
      double[] means = buckets.means(i -> measure.applyAsDouble(steps.get(i)));
      json.set(name, PageNumbers.column(means, PageNumbers.FINE));
    });
    return json;
  }

  private static double[] elapsed(List<Event.Step> steps) {
    double[] elapsed = new double[steps.size()];
    double sum = 0;
    for (int i = 0; i < elapsed.length; i++) {
      sum += steps.get(i).seconds();
      elapsed[i] = sum;
    }
    return elapsed;
  }

  private static ObjectNode validation(List<Event.Validation> validations, List<Event.Step> steps) {
    Map<Integer, Double> elapsed = new LinkedHashMap<>();
    double sum = 0;
    for (Event.Step step : steps) {
      sum += step.seconds();
      elapsed.put(step.step(), sum);
    }
    ObjectNode json = JSON.objectNode();
    ArrayNode step = json.putArray("step");
    ArrayNode tokens = json.putArray("tokens");
    ArrayNode seconds = json.putArray("seconds");
    ArrayNode loss = json.putArray("loss");
    for (Event.Validation validation : validations) {
      step.add(validation.step());
      tokens.add(validation.tokens());
      seconds.add(
          PageNumbers.number(
              validation.step() == 0 ? 0 : elapsed.getOrDefault(validation.step(), Double.NaN),
              PageNumbers.FINE));
      loss.add(PageNumbers.number(validation.loss(), PageNumbers.FINE));
    }
    return json;
  }

  private static ObjectNode layers(List<Event.Step> steps, Detail detail) {
    List<Integer> index = steps.getFirst().layers().stream().map(LayerStats::layer).toList();
    Buckets buckets = Buckets.of(steps.size(), detail.heatColumns(index.size()));
    ObjectNode json = JSON.objectNode();
    json.put("every", buckets.every());
    index.forEach(json.putArray("index")::add);
    json.set("step", PageNumbers.whole(buckets.lasts(i -> steps.get(i).step())));
    json.set("tokens", PageNumbers.whole(buckets.lasts(i -> steps.get(i).tokens())));
    Map<String, ToDoubleFunction<LayerStats>> measures = new LinkedHashMap<>();
    measures.put("drop_rate", LayerStats::dropRate);
    measures.put("alpha", LayerStats::alpha);
    measures.put("max1_over_max2", LayerStats::max1OverMax2);
    measures.put("max2_over_max3", LayerStats::max2OverMax3);
    measures.put("entropy", LayerStats::entropy);
    measures.forEach((name, measure) -> {
      ArrayNode rows = json.putArray(name);
      for (int l = 0; l < index.size(); l++) {
        int layer = l;
        double[] means = buckets.means(i -> at(steps.get(i), layer, measure));
        rows.add(PageNumbers.column(means, PageNumbers.COARSE));
      }
    });
    return json;
  }

  /** The load of each expert relative to an even share, so that 1 is even whatever their number. */
  private static ObjectNode load(List<Event.Step> steps, Detail detail) {
    List<LayerStats> first = steps.getFirst().layers();
    int experts = first.stream().mapToInt(layer -> layer.load().size()).max().orElse(0);
    ObjectNode json = JSON.objectNode();
    Buckets buckets = Buckets.of(steps.size(), detail.loadColumns(first.size(), experts));
    json.put("every", buckets.every());
    json.put("experts", experts);
    json.set("step", PageNumbers.whole(buckets.lasts(i -> steps.get(i).step())));
    ArrayNode share = json.putArray("share");
    for (int l = 0; l < first.size(); l++) {
      ArrayNode rows = share.addArray();
      for (int e = 0; e < experts; e++) {
        int layer = l;
        int expert = e;
        double[] means =
            buckets.means(i ->
                at(
                    steps.get(i),
                    layer,
                    stats -> expert < stats.load().size() ? stats.load().get(expert) : Double.NaN));
        rows.add(PageNumbers.column(means, PageNumbers.COARSE));
      }
    }
    return json;
  }

  private static double at(Event.Step step, int layer, ToDoubleFunction<LayerStats> measure) {
    return layer < step.layers().size()
        ? measure.applyAsDouble(step.layers().get(layer))
        : Double.NaN;
  }

  private static ObjectNode similarity(List<Event.Similarity> similarities, Detail detail) {
    int layers = similarities.getFirst().layers().size();
    Buckets buckets = Buckets.of(similarities.size(), detail.heatColumns(layers));
    ObjectNode json = JSON.objectNode();
    json.set("step", PageNumbers.whole(buckets.lasts(i -> similarities.get(i).step())));
    json.set("tokens", PageNumbers.whole(buckets.lasts(i -> similarities.get(i).tokens())));
    ArrayNode rows = json.putArray("mean_cosine");
    for (int l = 0; l < layers; l++) {
      int layer = l;
      double[] means =
          buckets.means(i -> {
            List<Double> values = similarities.get(i).layers();
            return layer < values.size() ? values.get(layer) : Double.NaN;
          });
      rows.add(PageNumbers.column(means, PageNumbers.COARSE));
    }
    return json;
  }

  /** Evenly chosen, the last one among them. */
  private static ArrayNode samples(List<Event.Sample> samples) {
    int every = Math.ceilDiv(Math.max(1, samples.size()), MOST_SAMPLES);
    List<Event.Sample> chosen = new ArrayList<>();
    for (int i = samples.size() - 1; i >= 0; i -= every) {
      chosen.addFirst(samples.get(i));
    }
    ArrayNode json = JSON.arrayNode();
    for (Event.Sample sample : chosen) {
      json.addObject()
          .put("step", sample.step())
          .put("prompt", shortened(sample.prompt()))
          .put("text", shortened(sample.text()));
    }
    return json;
  }

  private static String shortened(String text) {
    return text.length() <= LONGEST_SAMPLE ? text : text.substring(0, LONGEST_SAMPLE) + "…";
  }
}
