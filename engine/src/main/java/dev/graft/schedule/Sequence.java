package dev.graft.schedule;

import dev.graft.decoder.Chunk;
import dev.graft.decoder.Phase;
import java.util.Arrays;

/** A request on its way: which of its tokens are in the cache, and where. */
final class Sequence {
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
    int end = Math.min(known, computed + limit);
    return new Chunk(
        Arrays.copyOfRange(tokens, computed, end),
        computed,
        pages.clone(),
        prompt ? Phase.PREFILL : Phase.DECODE,
        Math.max(0, end - Math.max(computed, first)),
        end == length);
  }

  /** The first position whose logits are still wanted: within a scored prompt, or the last. */
  private int firstWanted() {
    return inPrompt() && request.scoring().isPresent()
        ? Math.min(request.firstScored(), length - 1)
        : length - 1;
  }

  /** Gives out a row of the logits of a chunk that lies in the prompt. */
  void score(Chunk chunk, int row, float[] logits, int at) {
    int position = computed + chunk.ids().length - chunk.logits() + row;
    // Those before were given out already if this is computed anew after a preemption, when the
    // prompt's last does not choose any more either.
    if (position >= scored && position < request.prompt().length - 1) {
      request.scoring().orElseThrow().logits().at(position, logits, at);
      scored = position + 1;
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
