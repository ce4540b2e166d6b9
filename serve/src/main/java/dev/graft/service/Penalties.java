package dev.graft.service;

import dev.graft.openai.Sampling;
import java.util.HashMap;
import java.util.Map;

/**
 * What OpenAI's {@code presence_penalty}, {@code frequency_penalty} and {@code logit_bias} do to
 * logits: μ[j] → μ[j] − count[j]·frequency − (count[j] &gt; 0)·presence + bias[j], where count is
 * of tokens generated so far.
 */
final class Penalties {
  private final double presence;
  private final double frequency;
  private final Map<Integer, Double> bias;
  private final Map<Integer, Integer> counts = new HashMap<>();

  Penalties(Sampling sampling) {
    presence = sampling.presencePenalty();
    frequency = sampling.frequencyPenalty();
    bias = sampling.logitBias();
  }

  void apply(float[] logits) {
    bias.forEach((token, value) -> logits[token] += (float) (double) value);
    if (presence != 0 || frequency != 0) {
      counts.forEach((token, count) -> logits[token] -= (float) (count * frequency + presence));
    }
  }

  void generated(int token) {
    if (presence != 0 || frequency != 0) {
      counts.merge(token, 1, Integer::sum);
    }
  }
}
