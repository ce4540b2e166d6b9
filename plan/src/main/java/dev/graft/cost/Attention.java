package dev.graft.cost;

/** Which weights and scores a layer's attention has. */
public sealed interface Attention {
  /** Multi-head or grouped-query attention over all earlier positions. */
  record Full() implements Attention {}

  /**
   * The same, where every second layer sees only the last positions (gpt-oss).
   *
   * @param window how many
   */
  record Alternating(int window) implements Attention {}

  /**
   * Multi-head latent attention (DeepSeek-V2, arXiv 2405.04434, section 2.1): queries and keys with
   * values are projected up from narrow vectors.
   *
   * @param queryRank width of the queries' narrow vector
   * @param keyValueRank width of that of keys and values
   * @param nope width of a head's part without rotation
   * @param rope width of the rotated part, which all heads' keys share
   * @param value width of a head's values
   */
  record Latent(int queryRank, int keyValueRank, int nope, int rope, int value)
      implements Attention {}
}
