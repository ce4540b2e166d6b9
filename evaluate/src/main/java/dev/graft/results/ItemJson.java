package dev.graft.results;

import dev.graft.lm.LanguageModel;
import dev.graft.score.Outcome;
import dev.graft.score.Value;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** An answered question as one line of JSON, and back. */
final class ItemJson {
  private ItemJson() {}

  static String line(Item item) {
    ObjectNode json = JsonMapper.shared().createObjectNode();
    ItemKey key = item.key();
    json.put("model", key.model());
    json.put("task", key.task());
    json.put("subject", key.subject());
    json.put("doc", key.doc());
    json.put("digest", key.digest());
    switch (item.outcome()) {
      case Outcome.Chosen chosen -> {
        json.put("gold", item.gold());
        json.put("choice", chosen.choice());
        ArrayNode choices = json.putArray("choices");
        chosen.likelihoods().forEach(likelihood -> put(choices.addObject(), likelihood));
      }
      case Outcome.Text(LanguageModel.Written written) -> {
        json.put("text", written.text());
        json.put("tokens", written.tokens());
        json.put("dropped", written.dropped());
      }
      case Outcome.Samples(List<LanguageModel.Written> samples) -> {
        ArrayNode texts = json.putArray("samples");
        for (LanguageModel.Written written : samples) {
          texts
              .addObject()
              .put("text", written.text())
              .put("tokens", written.tokens())
              .put("dropped", written.dropped());
        }
      }
      case Outcome.Rolled(LanguageModel.Likelihood likelihood) ->
          put(json.putObject("rolled"), likelihood);
    }
    ObjectNode metrics = json.putObject("metrics");
    item.metrics()
        .forEach((name, value) -> {
          if (value.weight() == 1) {
            metrics.put(name, value.value());
          } else {
            metrics.putArray(name).add(value.value()).add(value.weight());
          }
        });
    return json.toString();
  }

  private static void put(ObjectNode json, LanguageModel.Likelihood likelihood) {
    json.put("loglikelihood", likelihood.logLikelihood());
    json.put("greedy", likelihood.greedy());
    json.put("tokens", likelihood.tokens());
    if (likelihood.dropped() > 0) {
      json.put("dropped", likelihood.dropped());
    }
  }

  /** The item of a line. */
  static Item item(JsonNode json) {
    ItemKey key =
        new ItemKey(
            json.path("model").asString(),
            json.path("task").asString(),
            json.path("subject").asString(),
            json.path("doc").asInt(),
            json.path("digest").asString());
    Map<String, Value> metrics = new LinkedHashMap<>();
    json.path("metrics")
        .properties()
        .forEach(metric -> metrics.put(metric.getKey(), value(metric.getValue())));
    return new Item(key, json.path("gold").asInt(-1), outcome(json), metrics);
  }

  private static Value value(JsonNode node) {
    return node.isArray()
        ? new Value(node.get(0).doubleValue(), node.get(1).doubleValue())
        : Value.of(node.doubleValue());
  }

  private static Outcome outcome(JsonNode json) {
    if (json.has("choices")) {
      List<LanguageModel.Likelihood> likelihoods = new ArrayList<>();
      json.get("choices").forEach(choice -> likelihoods.add(likelihood(choice)));
      return new Outcome.Chosen(List.copyOf(likelihoods));
    }
    if (json.has("rolled")) {
      return new Outcome.Rolled(likelihood(json.get("rolled")));
    }
    if (json.has("samples")) {
      List<LanguageModel.Written> samples = new ArrayList<>();
      json.get("samples").forEach(sample -> samples.add(written(sample)));
      return new Outcome.Samples(samples);
    }
    return new Outcome.Text(written(json));
  }

  private static LanguageModel.Written written(JsonNode json) {
    return new LanguageModel.Written(
        json.get("text").asString(), json.get("tokens").asInt(), json.get("dropped").asInt());
  }

  private static LanguageModel.Likelihood likelihood(JsonNode json) {
    return new LanguageModel.Likelihood(
        json.get("loglikelihood").doubleValue(),
        json.get("greedy").booleanValue(),
        json.get("tokens").asInt(),
        json.path("dropped").asInt(0));
  }
}
