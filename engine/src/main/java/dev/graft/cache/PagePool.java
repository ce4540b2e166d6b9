package dev.graft.cache;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Who has which page. Pages are counted references; a page that holds a prefix which others may
 * begin with is kept when nobody refers to it, until its memory is needed: least recently used
 * first, and never before the longer prefixes that build on it.
 *
 * <p>Prefixes form a tree with one page an edge (as in SGLang's RadixAttention, arXiv 2312.07104,
 * cut at page borders), and the token ids themselves are compared, not a hash of them. Not
 * thread-safe.
 */
public final class PagePool {
  private static final int SIZE = KeyValuePages.SIZE;

  private final int[] references;
  private final Prefix[] holds;
  private final int[] free;
  private final Prefix root = new Prefix(null, null, -1);
  private int freeCount;
  private int cached;
  private long clock;

  /** The ids of one page. */
  private record Block(int[] ids) {
    @Override
    public boolean equals(Object other) {
      return other instanceof Block(int[] theirs) && Arrays.equals(ids, theirs);
    }

    @Override
    public int hashCode() {
      return Arrays.hashCode(ids);
    }
  }

  /** A page's content and all that comes before it. */
  private static final class Prefix {
    private final Prefix parent;
    private final Block block;
    private final int page;
    private final Map<Block, Prefix> next = new HashMap<>();
    private long used;

    Prefix(Prefix parent, Block block, int page) {
      this.parent = parent;
      this.block = block;
      this.page = page;
    }
  }

  /** A pool of pages 0 … count − 1, all free. */
  public PagePool(int count) {
    references = new int[count];
    holds = new Prefix[count];
    free = new int[count];
    for (int i = 0; i < count; i++) {
      free[i] = count - 1 - i;
    }
    freeCount = count;
  }

  /** All pages. */
  public int count() {
    return references.length;
  }

  /** Pages that could be taken now, kept prefixes included. */
  public int available() {
    return freeCount + cached;
  }

  /** Pages that nobody refers to but that are kept for their prefix. */
  public int cached() {
    return cached;
  }

  /**
   * Takes pages.
   *
   * @return as many, each with one reference; none at all if there are not enough
   */
  public int[] take(int count) {
    if (count > available()) {
      return new int[0];
    }
    int[] pages = new int[count];
    for (int i = 0; i < count; i++) {
      if (freeCount == 0) {
        evict();
      }
      pages[i] = free[--freeCount];
      references[pages[i]] = 1;
    }
    return pages;
  }

  /** Gives up one reference to each page. */
  public void release(int[] pages) {
    for (int page : pages) {
      if (--references[page] == 0) {
        if (holds[page] == null) {
          free[freeCount++] = page;
        } else {
          holds[page].used = ++clock;
          cached++;
        }
      }
      if (references[page] < 0) {
        throw new IllegalStateException("page " + page + " was released once too often");
      }
    }
  }

  /**
   * The pages that hold the longest known prefix of a prompt, one reference taken to each.
   *
   * @param limit tokens that may be taken from the cache at most
   */
  public int[] match(int[] prompt, int limit) {
    List<Prefix> found = new ArrayList<>();
    Prefix at = root;
    for (int from = 0; from + SIZE <= limit; from += SIZE) {
      at = at.next.get(new Block(Arrays.copyOfRange(prompt, from, from + SIZE)));
      if (at == null) {
        break;
      }
      found.add(at);
    }
    for (Prefix prefix : found) {
      if (references[prefix.page]++ == 0) {
        cached--;
      }
      prefix.used = ++clock;
    }
    return found.stream().mapToInt(prefix -> prefix.page).toArray();
  }

  /**
   * Makes the first pages of a sequence known as prefixes.
   *
   * @param prompt their tokens
   * @param pages the sequence's table
   * @param full how many pages are filled, all by prefill
   */
  public void publish(int[] prompt, int[] pages, int full) {
    Prefix at = root;
    for (int p = 0; p < full; p++) {
      Block block = new Block(Arrays.copyOfRange(prompt, p * SIZE, (p + 1) * SIZE));
      Prefix known = at.next.get(block);
      if (known == null) {
        known = new Prefix(at, block, pages[p]);
        known.used = ++clock;
        at.next.put(block, known);
        holds[pages[p]] = known;
      } else if (known.page != pages[p]) {
        // Another sequence was first. A page of ours must not build on one that we have no
        // reference to.
        return;
      }
      at = known;
    }
  }

  /** Frees the kept page that was used longest ago and that no longer prefix builds on. */
  private void evict() {
    Prefix oldest = null;
    for (int page = 0; page < holds.length; page++) {
      Prefix prefix = holds[page];
      if (prefix != null
          && references[page] == 0
          && prefix.next.isEmpty()
          && (oldest == null || prefix.used < oldest.used)) {
        oldest = prefix;
      }
    }
    if (oldest == null) {
      throw new IllegalStateException("no page can be evicted");
    }
    oldest.parent.next.remove(oldest.block);
    holds[oldest.page] = null;
    cached--;
    free[freeCount++] = oldest.page;
  }
}
