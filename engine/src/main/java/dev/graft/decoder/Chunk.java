package dev.graft.decoder;

/**
 * Consecutive tokens of one sequence that a step feeds.
 *
 * @param ids tokens at positions {@code position … position + ids.length − 1}, at least one
 * @param position tokens of the sequence that are in the cache already
 * @param pages the sequence's page table: page p holds positions {@code p · pageSize …}; it covers
 *     {@code position + ids.length} tokens at least
 * @param phase which kernels compute it; several tokens in one {@link Phase#DECODE} chunk give the
 *     same bits as one after the other
 * @param logits for how many of its last tokens logits are wanted, 0 … {@code ids.length}
 * @param chooses whether the next token is chosen by the last of these logits: they are computed as
 *     in decode, whatever the phase. All others of a prompt are only looked at, and come from the
 *     kernels of prefill
 */
public record Chunk(
    int[] ids, int position, int[] pages, Phase phase, int logits, boolean chooses) {
  /** A chunk whose last logits, if any are wanted, choose the next token. */
  public Chunk(int[] ids, int position, int[] pages, Phase phase, int logits) {
    this(ids, position, pages, phase, logits, logits > 0);
  }

  /** Rows of logits of a prompt that choose no token, the first of them. */
  public int scored() {
    return phase == Phase.PREFILL ? logits - (chooses ? 1 : 0) : 0;
  }
}
