package dev.graft.schedule;

import dev.graft.decoder.Chunk;
import dev.graft.decoder.Phase;
import java.util.Arrays;

/** A request on its way: which of its tokens are in the cache, and where. */
final class Sequence {
  /** Tokens of a chunk whose every row of logits is wanted: rows are as wide as the vocabulary. */
  private static final int SCORED = 64;

  private final Request request;
  private final Generation generation;
  private final long arrival;
  private int[] tokens;
  private int length;
  private int computed;
  private int[] pages = {};
  private boolean published;
  private int scored;

  Sequence(Request request, Generation generation, long arrival) {
    this.request = request;
    this.generation = generation;
    this.arrival = arrival;
    this.tokens = Arrays.copyOf(request.prompt(), request.prompt().length + 16);
    this.length = request.prompt().length;
  }

  Request request() {
    return request;
  }

  Generation generation() {
    return generation;
  }

  /** Earlier is smaller. */
  long arrival() {
    return arrival;
  }

  int[] pages() {
    return pages;
  }

  /** Tokens that are not in the cache yet. */
  int missing() {
    return length - computed;
  }

  /** Whether the next chunk belongs to the prompt. */
  boolean inPrompt() {
    return computed < request.prompt().length;
  }

  int generated() {
    return length - request.prompt().length;
  }

  /** Begins with pages that hold a prefix already. */
  void begin(int[] prefix, int prefixTokens) {
    pages = prefix;
    computed = prefixTokens;
  }

  /** Pages that {@code count} more tokens need. */
  int pagesFor(int count, int pageSize) {
    return Math.max(0, Math.ceilDiv(computed + count, pageSize) - pages.length);
  }

  void add(int[] more) {
    int old = pages.length;
    pages = Arrays.copyOf(pages, old + more.length);
    System.arraycopy(more, 0, pages, old, more.length);
  }

  /**
   * The next tokens: of the prompt as prefill, of what was generated as decode, also when they are
   * computed anew after a preemption, so that their bits are the same.
   */
  Chunk chunk(int limit) {
    boolean prompt = inPrompt();
    int known = prompt ? request.prompt().length : length;
    int first = firstWanted();
    int end = Math.min(Math.min(known, computed + limit), Math.max(computed, first) + SCORED);
    return new Chunk(
        Arrays.copyOfRange(tokens, computed, end),
        computed,
        pages.clone(),
        prompt ? Phase.PREFILL : Phase.DECODE,
        Math.max(0, end - Math.max(computed, first)));
  }

  /** The first position whose logits are still wanted: within a scored prompt, or the last. */
  private int firstWanted() {
    return inPrompt() && request.scoring().isPresent()
        ? Math.min(request.firstScored(), length - 1)
        : length - 1;
  }

  /** Gives out the logits of a chunk that lies in the prompt, but those that choose a token. */
  void score(Chunk chunk, float[] logits, int vocab) {
    if (request.scoring().isEmpty() || !inPrompt()) {
      return;
    }
    PromptLogits out = request.scoring().get().logits();
    int rows = logits.length / vocab;
    int first = computed + chunk.ids().length - rows;
    for (int row = 0; row < rows; row++) {
      int position = first + row;
      // Those before were given out already if this is computed anew after a preemption.
      if (position >= scored && position < request.prompt().length - 1) {
        out.at(position, Arrays.copyOfRange(logits, row * vocab, (row + 1) * vocab));
        scored = position + 1;
      }
    }
  }

  /** The chunk has been computed. */
  void advance(int count) {
    computed += count;
  }

  /** The prompt has just been completed, and its pages were not made known yet. */
  boolean publishes() {
    boolean now = !published && !inPrompt();
    published |= now;
    return now;
  }

  void append(int token) {
    if (length == tokens.length) {
      tokens = Arrays.copyOf(tokens, length * 2);
    }
    tokens[length++] = token;
  }

  /** Back to the queue, without pages. */
  int[] preempt() {
    int[] had = pages;
    pages = new int[0];
    computed = 0;
    published = false;
    return had;
  }
}
