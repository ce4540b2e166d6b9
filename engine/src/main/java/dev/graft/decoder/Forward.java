package dev.graft.decoder;

import dev.graft.checkpoint.ModelSpec;
import java.util.List;

/** A model that computes steps over a paged key/value cache. Used by one thread at a time. */
public interface Forward extends AutoCloseable {
  /** The model's shape. */
  ModelSpec spec();

  /** Tokens of a page. */
  int pageSize();

  /** Pages of the cache. */
  int pageCount();

  /**
   * Computes the chunks, writes their keys and values into their pages, and gives out logits: a
   * text has as many rows of them as tokens, so those that choose no token are not kept.
   *
   * @param chunks no two of them write the same page
   * @param scored receives the first {@link Chunk#scored} rows of each chunk
   * @return for each chunk the others, [rows · vocab], row by row, in arrays of the caller's own
   */
  float[][] step(List<Chunk> chunks, ScoredRows scored);

  /**
   * The same with all rows kept.
   *
   * @return for each chunk the logits of its last {@link Chunk#logits} tokens, [logits · vocab],
   *     row by row, in arrays of the caller's own
   */
  default float[][] step(List<Chunk> chunks) {
    int vocab = spec().vocabSize();
    float[][] all = new float[chunks.size()][];
    for (int c = 0; c < all.length; c++) {
      int rows = chunks.get(c).scored() == 0 ? 0 : chunks.get(c).logits();
      all[c] = new float[Math.multiplyExact(rows, vocab)];
    }
    float[][] rest =
        step(
            chunks,
            (chunk, row, logits, at) ->
                System.arraycopy(logits, at, all[chunk], row * vocab, vocab));
    for (int c = 0; c < all.length; c++) {
      if (all[c].length == 0) {
        all[c] = rest[c];
      } else {
        System.arraycopy(rest[c], 0, all[c], all[c].length - rest[c].length, rest[c].length);
      }
    }
    return all;
  }

  @Override
  void close();
}
