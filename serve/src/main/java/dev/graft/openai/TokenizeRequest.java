package dev.graft.openai;

import dev.graft.text.Document;
import java.util.List;
import java.util.Optional;

/**
 * {@code POST /tokenize}, as vLLM has it.
 *
 * @param messages empty if a text is given
 */
public record TokenizeRequest(
    Optional<String> model,
    Optional<String> prompt,
    List<Document.Message> messages,
    boolean addSpecialTokens,
    boolean addGenerationPrompt,
    List<String> ignored) {
  /**
   * Reads a body.
   *
   * @throws ApiException if it is not such a request
   */
  public static TokenizeRequest parse(byte[] body) {
    Fields fields = Fields.parse(body);
    Optional<String> prompt = fields.text("prompt");
    if (prompt.isEmpty() && fields.node("messages").isEmpty()) {
      throw ApiException.invalid("prompt", "prompt is missing; give a text, or messages of a chat");
    }
    return new TokenizeRequest(
        fields.text("model"),
        prompt,
        prompt.isPresent() ? List.of() : ChatRequest.messages(fields),
        fields.flag("add_special_tokens", prompt.isPresent()),
        fields.flag("add_generation_prompt", true),
        fields.unread());
  }
}
