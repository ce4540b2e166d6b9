package dev.graft.inference;

/**
 * What a rank holds and has to read.
 *
 * @param bytes of all weights
 * @param cacheBytes of keys and values of a token
 * @param attentionBytes of attention's projections
 * @param expertBytes of FFNs or experts, all of them
 * @param sharedBytes of shared experts
 * @param headBytes of the output head
 * @param attention weights of attention's projections
 * @param experts weights of FFNs or experts
 * @param shared weights of shared experts
 * @param head weights of the output head
 */
record RankWeights(
    double bytes,
    double cacheBytes,
    double attentionBytes,
    double expertBytes,
    double sharedBytes,
    double headBytes,
    double attention,
    double experts,
    double shared,
    double head) {
  RankWeights plus(RankWeights other) {
    return new RankWeights(
        bytes + other.bytes,
        cacheBytes + other.cacheBytes,
        attentionBytes + other.attentionBytes,
        expertBytes + other.expertBytes,
        sharedBytes + other.sharedBytes,
        headBytes + other.headBytes,
        attention + other.attention,
        experts + other.experts,
        shared + other.shared,
        head + other.head);
  }

  RankWeights minus(RankWeights other) {
    return plus(other.times(-1));
  }

  RankWeights times(double factor) {
    return new RankWeights(
        factor * bytes,
        factor * cacheBytes,
        factor * attentionBytes,
        factor * expertBytes,
        factor * sharedBytes,
        factor * headBytes,
        factor * attention,
        factor * experts,
        factor * shared,
        factor * head);
  }

  /** With shared experts. */
  RankWeights withShared(double weights, double bytesOfThem) {
    return new RankWeights(
        bytes + bytesOfThem,
        cacheBytes,
        attentionBytes,
        expertBytes,
        bytesOfThem,
        headBytes,
        attention,
        experts,
        weights,
        head);
  }
}
