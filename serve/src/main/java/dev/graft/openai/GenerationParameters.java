package dev.graft.openai;

import java.util.List;
import java.util.OptionalInt;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * What completions and chat completions have in common.
 *
 * @param maxTokens tokens to generate at most; absent: as many as the context has room for
 * @param n choices for each prompt
 * @param stops strings that end an answer and are not part of it
 * @param stopTokenIds tokens that do (vLLM)
 * @param ignoreEos whether end tokens do not end it (vLLM)
 * @param topLogprobs alternatives listed for each token; absent: no log-probabilities at all
 * @param format what the answer must be
 * @param stream whether it is sent as it comes
 * @param includeUsage whether a stream ends with the counts of tokens
 */
public record GenerationParameters(
    OptionalInt maxTokens,
    int n,
    List<String> stops,
    Set<Integer> stopTokenIds,
    boolean ignoreEos,
    OptionalInt topLogprobs,
    ResponseFormat format,
    Sampling sampling,
    boolean stream,
    boolean includeUsage) {
  /** Choices for one prompt at most, as OpenAI has it. */
  static final int MOST_CHOICES = 128;

  /** Alternatives for one token at most, as OpenAI has it for chats. */
  static final int MOST_LOGPROBS = 20;

  private static final int MOST_STOPS = 16;

  static GenerationParameters read(
      Fields fields, OptionalInt maxTokens, OptionalInt topLogprobs, ResponseFormat format) {
    boolean stream = fields.flag("stream", false);
    boolean includeUsage =
        fields
            .object("stream_options")
            .map(options -> options.flag("include_usage", false))
            .orElse(false);
    int n = fields.integer("n", 1, MOST_CHOICES).orElse(1);
    fields
        .integer("best_of", 1, MOST_CHOICES)
        .ifPresent(best -> {
          if (best != n) {
            throw ApiException.invalid(
                "best_of", "best_of is " + best + "; only the value of n is supported");
          }
        });
    fields.ignore(
        "user", "store", "metadata", "service_tier", "safety_identifier", "prompt_cache_key");
    Set<Integer> stopIds =
        IntStream.of(fields.ids("stop_token_ids")).boxed().collect(Collectors.toSet());
    return new GenerationParameters(
        maxTokens,
        n,
        fields.strings("stop", MOST_STOPS),
        stopIds,
        fields.flag("ignore_eos", false),
        topLogprobs,
        format,
        Sampling.read(fields),
        stream,
        includeUsage);
  }
}
