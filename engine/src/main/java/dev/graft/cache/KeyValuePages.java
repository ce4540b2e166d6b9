package dev.graft.cache;

/**
 * The keys and values of pages. A page holds {@value #SIZE} positions of every layer; memory is
 * taken when a page, or one beside it, is first written, and kept. Keys lie [headDim, positions]
 * and values [positions, headDim] per layer and head, so that neither scores nor weighted sums need
 * a sum across lanes.
 */
public interface KeyValuePages {
  /** Positions of a page. */
  int SIZE = 32;

  /**
   * Pages whose memory is taken at once. Fresh memory costs 5 to 20 ms for 8 MiB on a virtual
   * machine, for which all sequences of a step wait; what is much smaller would be copied by the
   * collections that find it young, as {@code ./graft} keeps it from (PretenureSizeThreshold).
   */
  static int perSlab(long bytesPerPage) {
    return Math.toIntExact(Math.max(1, (8L << 20) / bytesPerPage));
  }

  /** How many pages there may be. */
  int count();

  /** Bytes that one page takes. */
  long bytesPerPage();

  /** Makes sure that a page has memory; called before any thread writes it. */
  void touch(int page);

  /**
   * Writes one position of one head.
   *
   * @param slot position within the page
   * @param key element i at {@code keyAt + i · keyStep}
   * @param value element i at {@code valueAt + i · valueStep}
   */
  void write(
      int page,
      int layer,
      int head,
      int slot,
      float[] key,
      int keyAt,
      int keyStep,
      float[] value,
      int valueAt,
      int valueStep);

  /**
   * The keys of a head, [headDim, {@value #SIZE}].
   *
   * @param room for headDim · {@value #SIZE} values, used where they must be decoded
   */
  Block keys(int page, int layer, int head, float[] room);

  /** The values of a head, [{@value #SIZE}, headDim]; see {@link #keys}. */
  Block values(int page, int layer, int head, float[] room);

  /**
   * Scores of a head's keys: out[r][slot] = Σ_d queries[r][d] · key[slot][d], for all {@value
   * #SIZE} slots.
   *
   * @param queries [rows, headDim] from {@code at} on
   * @param out [rows, {@value #SIZE}]
   */
  void scores(int page, int layer, int head, float[] queries, int at, int rows, float[] out);

  /**
   * Adds weighted values of a head: out[r][d] += Σ_slot weights[r][slot] · value[slot][d].
   *
   * @param weights [rows, {@value #SIZE}]
   * @param slots how many are added; what lies beyond may be anything
   * @param out [rows, headDim] from {@code outAt} on
   */
  void addValues(
      int page, int layer, int head, float[] weights, int rows, int slots, float[] out, int outAt);

  /**
   * Where numbers are.
   *
   * @param array the array that holds them
   * @param at the first
   */
  record Block(float[] array, int at) {}
}
