package dev.graft.schedule;

/**
 * How requests share the engine.
 *
 * @param maxSequences that run at once
 * @param prefillTokens of prompts that one step computes at most while nothing is decoded
 * @param prefillTokensBesideDecode the same while other sequences wait for their next token: small,
 *     so that a long prompt does not stall them (Sarathi-Serve, arXiv 2403.02310)
 */
public record SchedulerOptions(int maxSequences, int prefillTokens, int prefillTokensBesideDecode) {
  /** Sixteen sequences; prompts in chunks of 512 tokens, of 64 beside decode. */
  public static SchedulerOptions standard() {
    return new SchedulerOptions(16, 512, 64);
  }
}
