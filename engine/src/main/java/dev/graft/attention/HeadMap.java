package dev.graft.attention;

/**
 * The heads that one rank computes. A group of query heads shares a key/value head; a rank whose
 * range cuts a group holds that group's key/value head as well.
 *
 * @param headFrom first query head
 * @param headTo end of the query heads
 * @param groupSize query heads of a key/value head
 * @param headDim width of a head
 */
public record HeadMap(int headFrom, int headTo, int groupSize, int headDim) {
  /** Query heads of this rank. */
  public int heads() {
    return headTo - headFrom;
  }

  /** First key/value head of this rank. */
  public int keyValueFrom() {
    return headFrom / groupSize;
  }

  /** End of the key/value heads of this rank. */
  public int keyValueTo() {
    return Math.ceilDiv(headTo, groupSize);
  }

  /** Key/value heads of this rank. */
  public int keyValueHeads() {
    return keyValueTo() - keyValueFrom();
  }

  /** First local query head that uses the local key/value head. */
  public int groupFrom(int keyValueHead) {
    return Math.max(headFrom, (keyValueFrom() + keyValueHead) * groupSize) - headFrom;
  }

  /** End of the local query heads that use the local key/value head. */
  public int groupTo(int keyValueHead) {
    return Math.min(headTo, (keyValueFrom() + keyValueHead + 1) * groupSize) - headFrom;
  }
}
