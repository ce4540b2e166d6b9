package dev.graft.openai;

import java.util.List;
import java.util.Optional;

/** {@code POST /detokenize}, as vLLM has it. */
public record DetokenizeRequest(Optional<String> model, int[] tokens, List<String> ignored) {
  /**
   * Reads a body.
   *
   * @throws ApiException if it is not such a request
   */
  public static DetokenizeRequest parse(byte[] body) {
    Fields fields = Fields.parse(body);
    if (fields.node("tokens").isEmpty()) {
      throw ApiException.invalid("tokens", "tokens is missing; give a list of token ids");
    }
    return new DetokenizeRequest(fields.text("model"), fields.ids("tokens"), fields.unread());
  }
}
