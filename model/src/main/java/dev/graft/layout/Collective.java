package dev.graft.layout;

/**
 * How the ranks of a group exchange numbers. Every rank calls the same methods in the same order
 * with the same lengths, each from one thread at a time. No call hangs: a rank that fails, leaves
 * or does not come within the group's timeout makes the calls of the others throw {@link
 * PeerLostException}, and after that the group is of no more use.
 */
public interface Collective extends AutoCloseable {
  /** This rank, from 0. */
  int rank();

  /** How many ranks there are. */
  int size();

  /**
   * Replaces values by their sums over all ranks. Each sum is ((v₀ + v₁) + v₂) + …, added in rank
   * order in float32, so every rank gets the same bits, at each run and for each kind of group.
   *
   * @param values this rank's summands, replaced by the sums
   * @throws PeerLostException if a rank is lost
   */
  void allReduceSum(float[] values, int offset, int length);

  /**
   * Puts the parts of all ranks one behind the other, in rank order.
   *
   * @param part holds this rank's part
   * @param offset where in {@code part} it begins
   * @param lengths of every rank's part, the same on each rank; a length may be 0
   * @param all receives Σ lengths values from its start
   * @throws PeerLostException if a rank is lost
   */
  void allGather(float[] part, int offset, int[] lengths, float[] all);

  /**
   * Gives rank 0's message to all. The ranks wait for it without the timeout, since nothing says
   * when rank 0 has something to say; that it is gone ends their waiting.
   *
   * @param message rank 0's; of the others it is not looked at
   * @return rank 0's message, of any length
   * @throws PeerLostException if a rank is lost
   */
  byte[] broadcast(byte[] message);

  /**
   * Waits until all ranks are here.
   *
   * @throws PeerLostException if a rank is lost
   */
  void barrier();

  /**
   * Gives the group up because this rank cannot go on; the calls of the others throw {@link
   * PeerLostException} with this rank and reason at once.
   *
   * @param reason one clause, such as "it failed: disk full"
   */
  void abort(String reason);

  /** Leaves the group. Others that still wait for this rank throw {@link PeerLostException}. */
  @Override
  void close();
}
