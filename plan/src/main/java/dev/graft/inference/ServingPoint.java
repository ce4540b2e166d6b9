package dev.graft.inference;

/**
 * Serving so many sequences at once.
 *
 * @param batch sequences
 * @param fits whether the cache has room for all of them at their full length
 * @param distinctExperts expected experts of a layer that a step of decoding reads
 * @param decode a step
 * @param prefill reading the prompts of all
 * @param decodeTokensPerSecond generated tokens while nothing but decoding happens
 * @param outputTokensPerSecond generated tokens, prompts read in between
 * @param totalTokensPerSecond the same with the tokens of the prompts
 */
public record ServingPoint(
    int batch,
    boolean fits,
    double distinctExperts,
    StepTime decode,
    StepTime prefill,
    double decodeTokensPerSecond,
    double outputTokensPerSecond,
    double totalTokensPerSecond) {
  /**
   * Serves requests of one form.
   *
   * @param prompt tokens of a prompt
   * @param output tokens generated after it; on average half of them are there
   */
  public static ServingPoint of(
      InferenceModel model, int batch, int prompt, int output, int experts, int topK) {
    StepTime decode = model.decode(batch, prompt + output / 2.0);
    StepTime prefill = model.prefill(batch, prompt);
    double seconds = output * decode.total() + prefill.total();
    return new ServingPoint(
        batch,
        (double) batch * (prompt + output) <= model.cacheTokens(),
        experts == 0 ? 0 : Occupancy.distinct(experts, topK, batch),
        decode,
        prefill,
        batch / decode.total(),
        (double) batch * output / seconds,
        (double) batch * (prompt + output) / seconds);
  }
}
