package dev.graft.schedule;

import dev.graft.sample.NextToken;
import java.util.Optional;

/**
 * A sequence to go on with.
 *
 * @param prompt token ids, at least one
 * @param maxTokens tokens to generate at most, at least 1
 * @param next chooses each of them
 * @param scoring if present, what of the prompt is scored
 */
public record Request(int[] prompt, int maxTokens, NextToken next, Optional<Scoring> scoring) {
  /**
   * What of a prompt is scored.
   *
   * @param from the first position whose logits are wanted; a prefix that is shared with others
   *     ends before it, since all that is scored is computed
   * @param logits receives them
   */
  public record Scoring(int from, PromptLogits logits) {}

  /** A sequence whose prompt is not scored. */
  public Request(int[] prompt, int maxTokens, NextToken next) {
    this(prompt, maxTokens, next, Optional.empty());
  }

  /** The first position whose logits are wanted; without scoring the last of the prompt. */
  int firstScored() {
    return scoring.isPresent() ? scoring.get().from() : prompt.length - 1;
  }
}
