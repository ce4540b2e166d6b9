package dev.graft.sample;

import dev.graft.checkpoint.InvalidInputException;

/**
 * How tokens are drawn, by transformers' names and meanings.
 *
 * @param temperature divides the logits; 0 takes the most likely token
 * @param topK keeps the k most likely tokens; 0 keeps all
 * @param topP keeps the most likely tokens that together reach this share; 1 keeps all
 * @param minP keeps tokens at least this share as likely as the most likely one; 0 keeps all
 * @param repetitionPenalty divides positive and multiplies negative logits of tokens that were seen
 * @param seed of the random numbers
 */
public record SamplingOptions(
    double temperature, int topK, double topP, double minP, double repetitionPenalty, long seed) {
  /** Always the most likely token. */
  public static final SamplingOptions GREEDY = new SamplingOptions(0, 0, 1, 0, 1, 0);

  /** Refuses what has no meaning. */
  public SamplingOptions {
    require(
        temperature >= 0 && Double.isFinite(temperature), "temperature", temperature, "at least 0");
    require(topK >= 0, "top_k", topK, "at least 0");
    require(topP > 0 && topP <= 1, "top_p", topP, "above 0 and at most 1");
    require(minP >= 0 && minP <= 1, "min_p", minP, "from 0 to 1");
    require(
        repetitionPenalty > 0 && Double.isFinite(repetitionPenalty),
        "repetition_penalty",
        repetitionPenalty,
        "above 0");
  }

  private static void require(boolean holds, String name, double value, String range) {
    if (!holds) {
      throw new InvalidInputException(name + " is " + value + "; it must be " + range);
    }
  }
}
