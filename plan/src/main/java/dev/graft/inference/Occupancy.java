package dev.graft.inference;

/** How many experts some tokens need between them. */
public final class Occupancy {
  private Occupancy() {}

  /**
   * The expected number of distinct experts that tokens are sent to, n (1 − (1 − k/n)^B): a token
   * passes a given expert by with probability 1 − k/n, and the expectation of a sum is the sum of
   * expectations (the occupancy problem: Feller, An Introduction to Probability Theory and Its
   * Applications, vol. 1, IV.2). Tokens choose independently and evenly; where a gate prefers some
   * experts there are fewer.
   *
   * @param experts n
   * @param topK k
   * @param tokens B, that is, sequences of a decoding step
   */
  public static double distinct(int experts, int topK, double tokens) {
    return experts * (1 - Math.pow(1 - (double) topK / experts, tokens));
  }
}
