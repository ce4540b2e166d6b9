package dev.graft.kernel;

/**
 * A weight in place that can be multiplied with: rows of float32 values that are decoded on the
 * way. Both operations see exactly the same values, so which of them a product goes through does
 * not change its bits.
 */
public interface Matrix {
  /** Output features. */
  int rows();

  /** Input features. */
  int columns();

  /** Bytes that reading one row touches, scales included. */
  long bytesPerRow();

  /**
   * Writes w[row][from … to) as float32.
   *
   * @param out receives {@code to − from} values from {@code at} on
   */
  void decode(int row, int from, int to, float[] out, int at);

  /**
   * Whether {@link #dot} is there for these columns; if not, decode the row and use {@link
   * Kernels#dots}.
   */
  boolean fuses(int from, int to);

  /**
   * out[outAt + i] = Σ_c w[rowFrom + i][from + c] · x[at + c] over the columns {@code from … to},
   * decoded in registers, in the order of {@link Kernels#dots}.
   *
   * @param room scratch space of the calling thread, at least {@link #room} values
   */
  void dot(
      int rowFrom,
      int rowTo,
      int from,
      int to,
      float[] x,
      int at,
      float[] room,
      float[] out,
      int outAt);

  /** Values of scratch space that {@link #dot} and {@link #dots} need for so many rows. */
  default int room(int rows) {
    return 0;
  }

  /** Whether {@link #dots} is there for these columns. */
  default boolean fusesTokens(int from, int to) {
    return false;
  }

  /** Whether {@link #packedDots} is there for these columns. */
  default boolean packsTokens(int from, int to) {
    return false;
  }

  /**
   * The same for many tokens, out of a copy of their inputs that was made for it: out[outAt + t ·
   * outStep + i].
   *
   * @param room scratch space of the calling thread, at least {@link #room} values
   */
  default void packedDots(
      int rowFrom,
      int rowTo,
      int from,
      int to,
      PackedTokens x,
      float[] room,
      float[] out,
      int outAt,
      int outStep) {
    throw new UnsupportedOperationException("decode the rows and use Kernels.dots");
  }

  /**
   * The same for several tokens: out[outAt + t · outStep + i], token t's x at {@code at + t ·
   * step}.
   *
   * @param room scratch space of the calling thread, at least {@link #room} values
   */
  default void dots(
      int rowFrom,
      int rowTo,
      int from,
      int to,
      float[] x,
      int at,
      int step,
      int tokens,
      float[] room,
      float[] out,
      int outAt,
      int outStep) {
    throw new UnsupportedOperationException("decode the rows and use Kernels.dots");
  }
}
