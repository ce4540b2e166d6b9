package dev.graft.lm;

import dev.graft.checkpoint.InvalidInputException;
import dev.graft.text.Tokenizer;
import java.util.Arrays;
import java.util.OptionalInt;

/**
 * Texts to tokens as the Hugging Face model of lm-evaluation-harness 0.4.13 makes them ({@code
 * tok_encode}, {@code _encode_pair}), so that the same tokens are scored.
 */
final class TokenPairs {
  private final Tokenizer tokenizer;
  private final int prefix;
  private final String prefixText;

  /** Tokens of a context and of what follows it. */
  record Pair(int[] context, int[] continuation) {}

  /**
   * For a tokenizer.
   *
   * @param prefix token that stands before a text which has no context: BOS, or EOS without one
   */
  TokenPairs(Tokenizer tokenizer, int prefix) {
    this.tokenizer = tokenizer;
    this.prefix = prefix;
    this.prefixText = tokenizer.decode(new int[] {prefix}, false);
  }

  /**
   * For the tokenizer of a model.
   *
   * @param model its name, for the error
   * @throws InvalidInputException if the tokenizer has neither a BOS nor an EOS token
   */
  static TokenPairs of(String model, Tokenizer tokenizer) {
    OptionalInt bos = tokenizer.bosId();
    return new TokenPairs(
        tokenizer,
        (bos.isPresent() ? bos : tokenizer.eosId())
            .orElseThrow(() ->
                new InvalidInputException(
                    model
                        + ": the tokenizer names neither a bos_token nor an eos_token; add one to tokenizer_config.json")));
  }

  int prefix() {
    return prefix;
  }

  /** A text with the tokenizer's own special tokens, unless it brings the first of them itself. */
  int[] encode(String text) {
    return !prefixText.isEmpty() && text.startsWith(prefixText)
        ? tokenizer.encode(text)
        : tokenizer.encodeWithSpecials(text);
  }

  /**
   * A context and its continuation, encoded together and cut where the context alone ends. White
   * space at the end of the context goes over to the continuation, whose first token has it.
   */
  Pair pair(String context, String continuation) {
    if (context.isEmpty()) {
      int[] ids = tokenizer.encode(continuation);
      return ids.length > 0 && ids[0] == prefix
          ? new Pair(new int[] {prefix}, Arrays.copyOfRange(ids, 1, ids.length))
          : new Pair(new int[] {prefix}, ids);
    }
    int[] before = encode(withoutSpace(context));
    int[] whole = encode(context + continuation);
    int cut = Math.min(before.length, whole.length);
    return new Pair(
        before.length == 0 ? new int[] {prefix} : before,
        Arrays.copyOfRange(whole, cut, whole.length));
  }

  /** A context without the white space at its end. */
  static String withoutSpace(String context) {
    int end = context.length();
    while (end > 0 && isSpace(context.charAt(end - 1))) {
      end--;
    }
    return context.substring(0, end);
  }

  /** What Python's {@code str.rstrip} takes off. */
  private static boolean isSpace(char c) {
    return Character.isWhitespace(c) || Character.isSpaceChar(c) || c == '\u0085';
  }
}
