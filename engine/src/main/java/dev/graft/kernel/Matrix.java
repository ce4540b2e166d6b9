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
   * Writes columns {@code from … to} of several rows in pieces of {@link Kernels#PIECE} columns, as
   * {@link Kernels#panelProduct} takes them: row i of piece p from {@code p · pieceStep + i · }
   * {@link Kernels#PIECE_ROW} on. Memory is read from front to back: a reader that jumps from row
   * to row waits for it.
   */
  default void decodePieces(int rowFrom, int rowTo, int from, int to, float[] out, int pieceStep) {
    for (int row = rowFrom; row < rowTo; row++) {
      int at = (row - rowFrom) * Kernels.PIECE_ROW;
      for (int c = from; c < to; c += Kernels.PIECE) {
        decode(row, c, Math.min(to, c + Kernels.PIECE), out, at);
        at += pieceStep;
      }
    }
  }

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

  /** Values of scratch space that so many rows need. */
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
