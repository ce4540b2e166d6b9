package dev.graft.kernel;

import dev.graft.checkpoint.Weight;

/**
 * What the forward pass is made of. There are two: {@link ScalarKernels}, plain loops that say what
 * is meant, and {@link VectorKernels}, the same on the Vector API; tests compare them.
 *
 * <p>Every result is computed in an order of additions that depends on nothing but its own operands
 * and the vector width: never on how many rows, tokens or threads take part in a call.
 */
public interface Kernels {
  /** Columns of a weight that are decoded at a time for a product with panels. */
  int PIECE = 192;

  /**
   * Distance of the rows of such a piece; not a power of two, so that rows do not share cache sets.
   */
  int PIECE_ROW = PIECE + 16;

  /** Which kernels: two of one name round alike, on any machine. */
  String name();

  /** Why these, in words. */
  String reason();

  /** What was chosen and why, for the log. */
  default String description() {
    return name() + ": " + reason();
  }

  /** Whether they stand on the Vector API; plain loops are many times slower. */
  boolean vectors();

  /** Floats that one vector holds; panels are {@link #panelWidth} wide. */
  int lanes();

  /** Tokens of a panel, the unit of prefill: two vectors. */
  default int panelWidth() {
    return 2 * lanes();
  }

  /** A weight to multiply with. */
  Matrix matrix(Weight weight);

  /**
   * Dot products of decoded rows with several tokens: out[outAt + t · outStep + r] = Σ_i w[wAt + r
   * · n + i] · x[xAt + t · xStep + i].
   *
   * @param rows of w
   * @param n elements of a row
   * @param room scratch of 12 · {@link #lanes()}
   */
  void dots(
      float[] w,
      int wAt,
      int rows,
      int n,
      float[] x,
      int xAt,
      int xStep,
      int tokens,
      float[] out,
      int outAt,
      int outStep,
      float[] room);

  /**
   * A small product with lanes along its columns: out[r][c] = (add ? out[r][c] : 0) + Σ_k a[r][k] ·
   * b[k][c], the sum from k = 0 upwards. a[r][k] is at {@code aAt + r · aRow + k · aStep}, b[k][c]
   * at {@code bAt + k · bRow + c}, out[r][c] at {@code outAt + r · outRow + c}.
   *
   * @param rows of a and out
   * @param n columns of a, rows of b
   * @param width columns of b and out
   */
  void product(
      float[] a,
      int aAt,
      int aRow,
      int aStep,
      int rows,
      int n,
      float[] b,
      int bAt,
      int bRow,
      int width,
      float[] out,
      int outAt,
      int outRow,
      boolean add);

  /**
   * {@link #product} whose second factor is bfloat16 codes: the bits that it gives after {@link
   * #decodeBFloat16}.
   */
  void productBFloat16(
      float[] a,
      int aAt,
      int aRow,
      int aStep,
      int rows,
      int n,
      short[] b,
      int bAt,
      int bRow,
      int width,
      float[] out,
      int outAt,
      int outRow,
      boolean add);

  /**
   * A piece of a product with a panel of tokens: out[r][c] = (add ? out[r][c] : 0) + Σ_k w[r][k] ·
   * x[k][c], the sum from k = 0 upwards, so that pieces added one after the other give the bits of
   * the whole. w[r][k] is at {@code wAt + r · PIECE_ROW + k}, x[k][c] at {@code xAt + k ·
   * panelWidth + c}, out[r][c] at {@code outAt + r · panelWidth + c}.
   *
   * @param rows of w and out
   * @param n columns of w, at most {@link #PIECE}
   * @param width columns of x and out that are computed: {@link #panelWidth} or {@link #lanes}
   */
  default void panelProduct(
      float[] w,
      int wAt,
      int rows,
      int n,
      float[] x,
      int xAt,
      int width,
      float[] out,
      int outAt,
      boolean add) {
    int row = panelWidth();
    product(w, wAt, PIECE_ROW, 1, rows, n, x, xAt, row, width, out, outAt, row, add);
  }

  /**
   * RMSNorm of one token: out[i] = x[i] / √(mean(x²) + eps) · gain[gainAt + i] (arXiv 1910.07467,
   * eq. 4).
   */
  void rmsNorm(float[] x, int at, int n, float[] gain, double eps, float[] out, int outAt);

  /**
   * RMSNorm of the tokens of a panel [n, width]; each lane by itself.
   *
   * @param width tokens of the panel
   */
  void rmsNormPanel(
      float[] x, int at, int n, int width, float[] gain, double eps, float[] out, int outAt);

  /**
   * Rotary embedding in place (arXiv 2104.09864, in the half-split form of Hugging Face): with a =
   * x[at + i] and b = x[at + half + i], a ← a · cos − b · sin and b ← b · cos + a · sin.
   *
   * @param half distance of the two halves, and how many pairs
   */
  void rotate(float[] x, int at, int half, float[] cos, float[] sin, int tableAt);

  /** SwiGLU in place: gate[i] ← silu(gate[i]) · up[i], silu(x) = x / (1 + e⁻ˣ). */
  void swiGlu(float[] gate, int gateAt, float[] up, int upAt, int n);

  /** y[i] ← y[i] + factor · x[i]. */
  void addScaled(float[] y, int yAt, float[] x, int xAt, int n, float factor);

  /** y[i] ← y[i] · factor. */
  void scale(float[] y, int at, int n, float factor);

  /** y[r][c] ← y[r][c] · factors[c] over {@code rows} rows of {@code width}. */
  void scaleColumns(float[] y, int at, int rows, int width, float[] factors, int factorsAt);

  /**
   * One page of online softmax for one query: masks, raises the running maximum, replaces scores by
   * e^(scale · s − max) and adds them to the running sum (arXiv 1805.02867, algorithm 3).
   *
   * @param scores [n], from {@code at} on; n is a multiple of {@link #lanes}
   * @param from first entry that the query sees; those before become 0
   * @param to end of the entries that it sees; those from there on become 0
   * @param state running maximum and sum at {@code stateAt}, {@code stateAt + 1}; start with −∞, 0
   * @return what earlier sums must be multiplied by
   */
  float softmaxRow(
      float[] scores, int at, int n, int from, int to, float scale, float[] state, int stateAt);

  /**
   * One page of online softmax for the queries of a panel, one a lane, as {@link #softmaxRow}.
   *
   * @param scores [rows, width] from {@code at} on; row j is the key at position {@code keyPosition
   *     + j}
   * @param queryPosition position of lane 0; lane i sees the keys up to its own position {@code
   *     queryPosition + i}
   * @param window keys that a query sees, its own included
   * @param max running maxima [width]
   * @param sum running sums [width]
   * @param rescale receives what earlier sums must be multiplied by [width]
   */
  void softmaxPanel(
      float[] scores,
      int at,
      int rows,
      int width,
      int keyPosition,
      int queryPosition,
      int window,
      float scale,
      float[] max,
      float[] sum,
      float[] rescale);

  /** Writes n bfloat16 codes from {@code at} on as floats to {@code out}, exactly. */
  void decodeBFloat16(short[] codes, int at, int n, float[] out, int outAt);

  /** The largest of n values from {@code at} on. */
  default float max(float[] x, int at, int n) {
    float max = Float.NEGATIVE_INFINITY;
    for (int i = 0; i < n; i++) {
      max = Math.max(max, x[at + i]);
    }
    return max;
  }

  /** ln Σ e^x[at + i] over n values. */
  float logSumExp(float[] x, int at, int n);
}
