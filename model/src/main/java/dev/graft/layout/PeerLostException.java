package dev.graft.layout;

/**
 * A rank is gone: it failed, was killed, left, or did not answer in time. The group cannot go on;
 * every later call on it throws too.
 */
public final class PeerLostException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final int rank;
  private final String how;

  /**
   * Names the rank.
   *
   * @param rank the one that is lost
   * @param size how many ranks the group has
   * @param how what became of it, such as "it did not answer within 20 s"
   */
  public PeerLostException(int rank, int size, String how) {
    super("rank " + rank + " of " + size + " was lost: " + how);
    this.rank = rank;
    this.how = how;
  }

  /** As above, with what was caught. */
  public PeerLostException(int rank, int size, String how, Throwable cause) {
    this(rank, size, how);
    initCause(cause);
  }

  /** The rank that is lost, from 0. */
  public int rank() {
    return rank;
  }

  /** What became of it, one clause. */
  public String how() {
    return how;
  }
}
