package dev.graft.text;

import dev.graft.checkpoint.InvalidInputException;
import java.time.ZoneId;
import java.time.ZonedDateTime;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * Documents to token ids. Safe to use from several threads.
 *
 * <p>A text gets what the tokenizer's own post-processor puts around a text, which is a
 * beginning-of-sequence token for a Llama and nothing for a GPT-2, so that a document looks to the
 * model as a prompt does; then the end-of-sequence token where asked for and not there already, as
 * Megatron's {@code --append-eod}. A conversation is what the chat template renders and nothing
 * else, since the template writes these tokens itself.
 */
public final class DocumentTokenizer {
  private final Tokenizer tokenizer;
  private final Optional<ChatTemplate> template;
  private final boolean appendEos;
  // A template may write today's date, and it must not change between two renderings.
  private final ZonedDateTime now = ZonedDateTime.now(ZoneId.systemDefault());

  /**
   * A tokenized document.
   *
   * @param ids its tokens; none if its text is empty
   * @param learned per token, whether it is one to predict; empty where all are
   */
  public record Tokens(int[] ids, Optional<boolean[]> learned) {}

  /**
   * How documents become tokens.
   *
   * @param template needed by conversations alone
   * @throws InvalidInputException if EOS is to be appended and the tokenizer has none
   */
  public DocumentTokenizer(
      Tokenizer tokenizer, Optional<ChatTemplate> template, boolean appendEos) {
    if (appendEos && tokenizer.eosId().isEmpty()) {
      throw new InvalidInputException(
          "--tokenizer: names no end-of-sequence token in tokenizer_config.json, generation_config.json or config.json; add one or use --no-append-eos");
    }
    this.tokenizer = tokenizer;
    this.template = template;
    this.appendEos = appendEos;
  }

  /**
   * The tokens of a document.
   *
   * @throws InvalidInputException if it is a conversation and the template is absent, refuses it,
   *     or writes it in a way that does not tell the assistant's words
   */
  public Tokens tokenize(Document document) {
    return switch (document.body()) {
      case Document.Body.Text(String text) ->
          new Tokens(
              text.isEmpty() ? new int[0] : ended(tokenizer.encodeWithSpecials(text)),
              Optional.empty());
      case Document.Body.Conversation(List<Document.Message> messages) ->
          conversation(document.source(), messages);
    };
  }

  /**
   * What the assistant says in turn m reaches from the end of the messages before it, rendered with
   * the head of an answer, to the end of the messages up to it.
   */
  private Tokens conversation(String source, List<Document.Message> messages) {
    ChatTemplate chat =
        template.orElseThrow(() ->
            new InvalidInputException(
                source
                    + " holds messages, but the tokenizer's directory has no chat_template.jinja and no chat_template in tokenizer_config.json"));
    String text = render(chat, source, messages, false);
    Tokenizer.Spans spans = tokenizer.encodeWithSpans(text);
    boolean[] learned = new boolean[spans.ids().length];
    for (int m = 0; m < messages.size(); m++) {
      if (!messages.get(m).role().equals("assistant")) {
        continue;
      }
      String before = render(chat, source, messages.subList(0, m), true);
      String upTo = render(chat, source, messages.subList(0, m + 1), false);
      if (!upTo.startsWith(before)) {
        throw untellable(chat, source, m, "does not begin it with the head of an answer");
      }
      if (!text.startsWith(upTo)) {
        throw untellable(chat, source, m, "writes it differently once more follow");
      }
      int from = text.codePointCount(0, before.length());
      // The line break that a template puts after a turn is not the assistant's.
      int to = text.codePointCount(0, Math.max(before.length(), upTo.stripTrailing().length()));
      for (int i = 0; i < learned.length; i++) {
        learned[i] |= spans.starts()[i] >= from && spans.starts()[i] < to;
      }
    }
    return new Tokens(spans.ids(), Optional.of(learned));
  }

  private String render(
      ChatTemplate chat, String source, List<Document.Message> messages, boolean prompt) {
    try {
      return chat.render(messages, prompt, now);
    } catch (InvalidInputException e) {
      throw new InvalidInputException(source + ": " + e.getMessage(), e);
    }
  }

  private static InvalidInputException untellable(
      ChatTemplate chat, String source, int message, String why) {
    return new InvalidInputException(
        source
            + ": which tokens are the assistant's cannot be told, since "
            + chat.source()
            + " "
            + why
            + " (message "
            + (message + 1)
            + "); use a chat template that only appends");
  }

  private int[] ended(int[] ids) {
    if (!appendEos) {
      return ids;
    }
    int eos = tokenizer.eosId().orElseThrow();
    if (ids.length > 0 && ids[ids.length - 1] == eos) {
      return ids;
    }
    int[] longer = Arrays.copyOf(ids, ids.length + 1);
    longer[ids.length] = eos;
    return longer;
  }
}
