package dev.graft.kernel;

import dev.graft.checkpoint.Weight;

/**
 * The kernels as plain loops: what {@link VectorKernels} is compared with, and a way to run without
 * it.
 */
final class ScalarKernels implements Kernels {
  private static final int LANES = 8;

  private final String reason;

  ScalarKernels(String reason) {
    this.reason = reason;
  }

  @Override
  public String name() {
    return "scalar kernels";
  }

  @Override
  public String reason() {
    return reason;
  }

  @Override
  public boolean vectors() {
    return false;
  }

  @Override
  public int lanes() {
    return LANES;
  }

  @Override
  public Matrix matrix(Weight weight) {
    return new ScalarMatrix(weight, true);
  }

  @Override
  public void dots(
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
      float[] room) {
    for (int t = 0; t < tokens; t++) {
      for (int r = 0; r < rows; r++) {
        float sum = 0;
        for (int i = 0; i < n; i++) {
          sum = Math.fma(w[wAt + r * n + i], x[xAt + t * xStep + i], sum);
        }
        out[outAt + t * outStep + r] = sum;
      }
    }
  }

  @Override
  public void product(
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
      boolean add) {
    for (int r = 0; r < rows; r++) {
      for (int c = 0; c < width; c++) {
        float sum = add ? out[outAt + r * outRow + c] : 0;
        for (int k = 0; k < n; k++) {
          sum = Math.fma(a[aAt + r * aRow + k * aStep], b[bAt + k * bRow + c], sum);
        }
        out[outAt + r * outRow + c] = sum;
      }
    }
  }

  @Override
  public void productBFloat16(
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
      boolean add) {
    for (int r = 0; r < rows; r++) {
      for (int c = 0; c < width; c++) {
        float sum = add ? out[outAt + r * outRow + c] : 0;
        for (int k = 0; k < n; k++) {
          sum = Math.fma(a[aAt + r * aRow + k * aStep], Codes.bfloat16(b[bAt + k * bRow + c]), sum);
        }
        out[outAt + r * outRow + c] = sum;
      }
    }
  }

  @Override
  public void rmsNorm(float[] x, int at, int n, float[] gain, double eps, float[] out, int outAt) {
    normalize(x, at, 1, n, gain, eps, out, outAt);
  }

  @Override
  public void rmsNormPanel(
      float[] x, int at, int n, int width, float[] gain, double eps, float[] out, int outAt) {
    for (int c = 0; c < width; c++) {
      normalize(x, at + c, width, n, gain, eps, out, outAt + c);
    }
  }

  private static void normalize(
      float[] x, int at, int step, int n, float[] gain, double eps, float[] out, int outAt) {
    double squares = 0;
    for (int i = 0; i < n; i++) {
      squares += (double) x[at + i * step] * x[at + i * step];
    }
    float factor = (float) (1 / Math.sqrt(squares / n + eps));
    for (int i = 0; i < n; i++) {
      out[outAt + i * step] = x[at + i * step] * factor * gain[i];
    }
  }

  @Override
  public void rotate(float[] x, int at, int half, float[] cos, float[] sin, int tableAt) {
    for (int i = 0; i < half; i++) {
      float a = x[at + i];
      float b = x[at + half + i];
      x[at + i] = a * cos[tableAt + i] - b * sin[tableAt + i];
      x[at + half + i] = b * cos[tableAt + i] + a * sin[tableAt + i];
    }
  }

  @Override
  public void swiGlu(float[] gate, int gateAt, float[] up, int upAt, int n) {
    for (int i = 0; i < n; i++) {
      float g = gate[gateAt + i];
      gate[gateAt + i] = g / (Exponential.exp(-g) + 1) * up[upAt + i];
    }
  }

  @Override
  public void addScaled(float[] y, int yAt, float[] x, int xAt, int n, float factor) {
    for (int i = 0; i < n; i++) {
      y[yAt + i] = Math.fma(x[xAt + i], factor, y[yAt + i]);
    }
  }

  @Override
  public void scale(float[] y, int at, int n, float factor) {
    for (int i = 0; i < n; i++) {
      y[at + i] *= factor;
    }
  }

  @Override
  public void scaleColumns(float[] y, int at, int rows, int width, float[] factors, int factorsAt) {
    for (int r = 0; r < rows; r++) {
      for (int c = 0; c < width; c++) {
        y[at + r * width + c] *= factors[factorsAt + c];
      }
    }
  }

  @Override
  public float softmaxRow(
      float[] scores, int at, int n, int from, int to, float scale, float[] state, int stateAt) {
    float before = state[stateAt];
    float max = before;
    for (int i = from; i < to; i++) {
      max = Math.max(max, scores[at + i] * scale);
    }
    float rescale = before == max ? 1 : Exponential.exp(before - max);
    float sum = 0;
    for (int i = 0; i < n; i++) {
      boolean seen = i >= from && i < to;
      scores[at + i] = seen ? Exponential.exp(Math.fma(scores[at + i], scale, -max)) : 0;
      sum += scores[at + i];
    }
    state[stateAt] = max;
    state[stateAt + 1] = state[stateAt + 1] * rescale + sum;
    return rescale;
  }

  @Override
  public void softmaxPanel(
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
      float[] rescale) {
    for (int c = 0; c < width; c++) {
      int query = queryPosition + c;
      float before = max[c];
      float now = before;
      for (int r = 0; r < rows; r++) {
        if (sees(query, keyPosition + r, window)) {
          now = Math.max(now, scores[at + r * width + c] * scale);
        }
      }
      float bounded = Math.max(now, -Float.MAX_VALUE);
      rescale[c] = Exponential.exp(before - bounded);
      sum[c] *= rescale[c];
      for (int r = 0; r < rows; r++) {
        int i = at + r * width + c;
        scores[i] =
            sees(query, keyPosition + r, window)
                ? Exponential.exp(Math.fma(scores[i], scale, -bounded))
                : 0;
        sum[c] += scores[i];
      }
      max[c] = now;
    }
  }

  private static boolean sees(int query, int key, int window) {
    return key <= query && query - key < window;
  }

  @Override
  public void decodeBFloat16(short[] codes, int at, int n, float[] out, int outAt) {
    for (int i = 0; i < n; i++) {
      out[outAt + i] = Float.intBitsToFloat(codes[at + i] << 16);
    }
  }

  @Override
  public float logSumExp(float[] x, int at, int n) {
    float max = max(x, at, n);
    double sum = 0;
    for (int i = 0; i < n; i++) {
      sum += Exponential.exp(x[at + i] - max);
    }
    return (float) (max + Math.log(sum));
  }
}
