package dev.graft.schedule;

import dev.graft.sample.NextToken;
import java.util.Optional;

/**
 * A sequence to go on with.
 *
 * @param prompt token ids, at least one
 * @param maxTokens tokens to generate at most, at least 1
 * @param next chooses each of them
 * @param promptLogits if present, receives the logits within the prompt; such a prompt shares no
 *     prefix, since all of it is computed
 */
public record Request(
    int[] prompt, int maxTokens, NextToken next, Optional<PromptLogits> promptLogits) {
  /** A sequence whose prompt is not scored. */
  public Request(int[] prompt, int maxTokens, NextToken next) {
    this(prompt, maxTokens, next, Optional.empty());
  }
}
