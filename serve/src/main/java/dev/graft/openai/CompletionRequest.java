package dev.graft.openai;

import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * {@code POST /v1/completions}.
 *
 * @param model its name, if given
 * @param echo whether the answer begins with the prompt
 * @param addSpecialTokens whether the tokenizer may add a BOS token to text (vLLM)
 * @param ignored fields that are not known here
 */
public record CompletionRequest(
    Optional<String> model,
    List<Prompt> prompts,
    GenerationParameters parameters,
    boolean echo,
    boolean addSpecialTokens,
    List<String> ignored) {
  /** OpenAI's own default. */
  private static final int MAX_TOKENS = 16;

  /**
   * Reads a body.
   *
   * @throws ApiException if it is not such a request
   */
  public static CompletionRequest parse(byte[] body) {
    Fields fields = Fields.parse(body);
    fields.refuse("suffix", "the models served here do not fill in the middle");
    boolean echo = fields.flag("echo", false);
    OptionalInt maxTokens = fields.integer("max_tokens", echo ? 0 : 1, Integer.MAX_VALUE);
    GenerationParameters parameters =
        GenerationParameters.read(
            fields,
            OptionalInt.of(maxTokens.orElse(MAX_TOKENS)),
            fields.integer("logprobs", 0, GenerationParameters.MOST_LOGPROBS),
            new ResponseFormat.Text());
    CompletionRequest request =
        new CompletionRequest(
            fields.text("model"),
            Prompt.read(fields),
            parameters,
            echo,
            fields.flag("add_special_tokens", true),
            fields.unread());
    if (echo && parameters.stream()) {
      throw ApiException.invalid("echo", "echo is not supported with stream; ask for one of them");
    }
    return request;
  }
}
