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
   * Computes the chunks, writes their keys and values into their pages, and returns logits.
   *
   * @param chunks no two of them write the same page
   * @return for each chunk the logits of its last {@link Chunk#logits} tokens, [logits · vocab],
   *     row by row, in arrays of the caller's own
   */
  float[][] step(List<Chunk> chunks);

  @Override
  void close();
}
