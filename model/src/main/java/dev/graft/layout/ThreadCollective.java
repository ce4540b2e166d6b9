package dev.graft.layout;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * Ranks that are threads of one process. Numbers pass through staging arrays that each rank writes
 * and all read; two sets of them in turn, so that one meeting of all ranks per call is enough: a
 * set is written again only after a later call's meeting, to which each rank comes when it has
 * read.
 */
public final class ThreadCollective implements Collective {
  /** From here on each rank adds its part of the vector alone instead of all adding everything. */
  private static final int LONG = 4096;

  /** What all ranks see: the meeting point and the staging arrays. */
  private static final class Group {
    private final Meeting meeting;
    private final float[][][] staging;
    private final byte[][] messages = new byte[2][];

    Group(int size, Duration timeout) {
      meeting = new Meeting(size, timeout);
      staging = new float[2][size][0];
    }
  }

  private final Group group;
  private final int rank;
  private final int size;
  private int turn;

  private ThreadCollective(Group group, int rank, int size) {
    this.group = group;
    this.rank = rank;
    this.size = size;
  }

  /**
   * A new group.
   *
   * @param timeout how long a call waits for a rank that does not come
   * @return one end per rank, each for one thread
   */
  public static List<Collective> group(int size, Duration timeout) {
    if (size == 1) {
      return List.of(new SoloCollective());
    }
    Group group = new Group(size, timeout);
    List<Collective> ends = new ArrayList<>();
    for (int r = 0; r < size; r++) {
      ends.add(new ThreadCollective(group, r, size));
    }
    return List.copyOf(ends);
  }

  @Override
  public int rank() {
    return rank;
  }

  @Override
  public int size() {
    return size;
  }

  @Override
  public void allReduceSum(float[] values, int offset, int length) {
    float[][] parts = stage(values, offset, length);
    meet();
    if (length < LONG) {
      RankOrder.add(parts, 0, length, values, offset);
      return;
    }
    int mine = bound(rank, length);
    int count = bound(rank + 1, length) - mine;
    RankOrder.add(parts, mine, mine + count, values, offset);
    System.arraycopy(values, offset + mine, parts[rank], mine, count);
    meet();
    for (int r = 0; r < size; r++) {
      int from = bound(r, length);
      System.arraycopy(parts[r], from, values, offset + from, bound(r + 1, length) - from);
    }
  }

  /** Where the part of a vector that a rank adds begins. */
  private int bound(int part, int length) {
    return (int) ((long) length * part / size);
  }

  @Override
  public void allGather(float[] part, int offset, int[] lengths, float[] all) {
    float[][] parts = stage(part, offset, lengths[rank]);
    meet();
    int at = 0;
    for (int r = 0; r < size; r++) {
      System.arraycopy(parts[r], 0, all, at, lengths[r]);
      at += lengths[r];
    }
  }

  @Override
  public byte[] broadcast(byte[] message) {
    int set = nextSet();
    if (rank == 0) {
      group.messages[set] = message.clone();
      meet();
    } else {
      group.meeting.comeForAnyTime(rank);
    }
    return group.messages[set].clone();
  }

  @Override
  public void barrier() {
    meet();
  }

  @Override
  public void abort(String reason) {
    group.meeting.lose(rank, reason);
  }

  @Override
  public void close() {
    group.meeting.lose(rank, "it has left the group");
  }

  private void meet() {
    group.meeting.come(rank);
  }

  private int nextSet() {
    turn ^= 1;
    return turn;
  }

  private float[][] stage(float[] values, int offset, int length) {
    float[][] parts = group.staging[nextSet()];
    if (parts[rank].length < length) {
      parts[rank] = new float[length];
    }
    System.arraycopy(values, offset, parts[rank], 0, length);
    return parts;
  }
}
