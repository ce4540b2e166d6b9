package dev.graft.text;

import dev.graft.checkpoint.InvalidInputException;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;

/**
 * Documents to token ids. What the tokenizer's own template puts around a text (a Llama's BOS) is
 * put around each document; the end-of-sequence token is appended where asked for and not there
 * already.
 */
public final class DocumentTokenizer {
  private final Tokenizer tokenizer;
  private final Optional<ChatTemplate> template;
  private final boolean appendEos;

  /**
   * A tokenized document.
   *
   * @param ids its tokens
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

  /** The tokens of a document. */
  public Tokens tokenize(Document document) {
    return switch (document.body()) {
      case Document.Body.Text(String text) ->
          new Tokens(ended(tokenizer.encodeWithSpecials(text)), Optional.empty());
      case Document.Body.Conversation(List<Document.Message> messages) ->
          conversation(document, messages);
    };
  }

  private Tokens conversation(Document document, List<Document.Message> messages) {
    ChatTemplate chat =
        template.orElseThrow(() ->
            new InvalidInputException(
                document.source()
                    + " holds messages, but the tokenizer directory has no chat template"));
    String text = chat.render(messages, false);
    Tokenizer.Spans spans = tokenizer.encodeWithSpans(text);
    boolean[] learned = new boolean[spans.ids().length];
    for (int m = 0; m < messages.size(); m++) {
      if (!messages.get(m).role().equals("assistant")) {
        continue;
      }
      String before = chat.render(messages.subList(0, m), true);
      String upTo = chat.render(messages.subList(0, m + 1), false);
      if (!upTo.startsWith(before) || !text.startsWith(upTo)) {
        throw new InvalidInputException(
            document.source()
                + ": the chat template writes message "
                + (m + 1)
                + " differently once more follow, so the assistant's tokens cannot be told; use a template that only appends");
      }
      int from = text.codePointCount(0, before.length());
      // The line break that a template puts after a turn is not the assistant's.
      int to = text.codePointCount(0, Math.max(before.length(), upTo.stripTrailing().length()));
      for (int i : IntStream.range(0, learned.length).toArray()) {
        learned[i] |= spans.starts()[i] >= from && spans.starts()[i] < to;
      }
    }
    int[] ids = ended(spans.ids());
    return new Tokens(ids, Optional.of(Arrays.copyOf(learned, ids.length)));
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
