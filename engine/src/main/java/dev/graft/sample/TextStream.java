package dev.graft.sample;

import dev.graft.text.Tokenizer;
import java.util.Arrays;

/**
 * Text from tokens as they come. A few tokens before the new ones are decoded along, since a
 * tokenizer may treat the first of a text differently (sentencepiece drops its space); a character
 * whose bytes are not all there is held back. The pieces put together are the text of all tokens.
 */
public final class TextStream {
  private static final char REPLACEMENT = '\uFFFD';

  /** Tokens after which an incomplete character is given up: no character has more bytes. */
  private static final int LONGEST = 8;

  private final Tokenizer tokenizer;
  private int[] ids = new int[64];
  private int count;
  private int windowFrom;
  private int emitted;

  /** A stream that begins a text. */
  public TextStream(Tokenizer tokenizer) {
    this.tokenizer = tokenizer;
  }

  /** Adds a token; returns the text that is now certain, which may be empty. */
  public String add(int id) {
    if (count == ids.length) {
      ids = Arrays.copyOf(ids, 2 * count);
    }
    ids[count++] = id;
    String before = decode(windowFrom, emitted);
    String now = decode(windowFrom, count);
    boolean incomplete =
        !now.isEmpty() && now.charAt(now.length() - 1) == REPLACEMENT && count - emitted < LONGEST;
    if (incomplete || now.length() <= before.length()) {
      return "";
    }
    return advance(before, now);
  }

  /** What was held back, when no token follows. */
  public String finish() {
    String before = decode(windowFrom, emitted);
    String now = decode(windowFrom, count);
    return now.length() <= before.length() ? "" : advance(before, now);
  }

  private String advance(String before, String now) {
    windowFrom = emitted;
    emitted = count;
    return now.substring(before.length());
  }

  private String decode(int from, int to) {
    return from == to ? "" : tokenizer.decode(Arrays.copyOfRange(ids, from, to));
  }
}
