package dev.graft.openai;

import dev.graft.sample.SamplingOptions;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.OptionalLong;
import tools.jackson.databind.JsonNode;

/**
 * How a request wants its tokens drawn: OpenAI's fields, and vLLM's {@code top_k}, {@code min_p}
 * and {@code repetition_penalty}.
 *
 * @param presencePenalty subtracted from the logits of tokens that were generated
 * @param frequencyPenalty the same, as often as they were
 * @param logitBias added to the logits of tokens
 */
public record Sampling(
    OptionalDouble temperature,
    OptionalDouble topP,
    OptionalInt topK,
    OptionalDouble minP,
    OptionalDouble repetitionPenalty,
    double presencePenalty,
    double frequencyPenalty,
    Map<Integer, Double> logitBias,
    OptionalLong seed) {

  static Sampling read(Fields fields) {
    // −1 is vLLM's way to keep all.
    OptionalInt topK = fields.integer("top_k", -1, Integer.MAX_VALUE);
    return new Sampling(
        fields.number("temperature", 0, 100),
        fields.number("top_p", Double.MIN_VALUE, 1),
        topK.isPresent() ? OptionalInt.of(Math.max(0, topK.getAsInt())) : topK,
        fields.number("min_p", 0, 1),
        fields.number("repetition_penalty", 1e-3, 1e3),
        fields.number("presence_penalty", -2, 2).orElse(0),
        fields.number("frequency_penalty", -2, 2).orElse(0),
        bias(fields),
        fields.longInteger("seed"));
  }

  private static Map<Integer, Double> bias(Fields fields) {
    Map<Integer, Double> bias = new HashMap<>();
    Optional<JsonNode> node = fields.node("logit_bias");
    if (node.isPresent()) {
      if (!node.get().isObject() || node.get().size() > 1024) {
        throw ApiException.invalid(
            "logit_bias", "logit_bias must be an object of at most 1024 token ids and numbers");
      }
      for (String name : node.get().propertyNames()) {
        JsonNode value = node.get().path(name);
        if (!name.matches("[0-9]{1,9}")
            || !value.isNumber()
            || !(Math.abs(value.doubleValue()) <= 100)) {
          throw ApiException.invalid(
              "logit_bias",
              "logit_bias has a field that is not a token id with a number from -100 to 100");
        }
        bias.put(Integer.parseInt(name), value.doubleValue());
      }
    }
    return bias;
  }

  /**
   * With what the request left open taken from elsewhere.
   *
   * @param model the model's own choice
   * @param choice which of a request's choices this is: each draws differently
   */
  public SamplingOptions options(SamplingOptions model, int choice) {
    return new SamplingOptions(
        temperature.orElse(model.temperature()),
        topK.orElse(model.topK()),
        topP.orElse(model.topP()),
        minP.orElse(model.minP()),
        repetitionPenalty.orElse(model.repetitionPenalty()),
        seed.orElseGet(System::nanoTime) + choice);
  }
}
