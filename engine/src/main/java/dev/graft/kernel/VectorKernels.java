package dev.graft.kernel;

import dev.graft.checkpoint.Weight;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.ShortVector;
import jdk.incubator.vector.VectorMask;
import jdk.incubator.vector.VectorOperators;

/** The kernels on the Vector API. */
final class VectorKernels implements Kernels {
  private static final int L = Lanes.COUNT;
  private static final FloatVector LANE_INDEX = FloatVector.zero(Lanes.FLOATS).addIndex(1);

  private final String reason;

  VectorKernels(String reason) {
    this.reason = reason;
  }

  @Override
  public String name() {
    return "vector kernels of " + Lanes.FLOATS.vectorBitSize() + " bits";
  }

  @Override
  public String reason() {
    return reason;
  }

  @Override
  public boolean vectors() {
    return true;
  }

  @Override
  public int lanes() {
    return L;
  }

  @Override
  public Matrix matrix(Weight weight) {
    return switch (weight) {
      case Weight.Plain plain ->
          switch (plain.dtype()) {
            case BF16 ->
                new VectorBFloat16(plain.name(), plain.rows(), plain.columns(), plain.data());
            case F16 ->
                new VectorFloat16(plain.name(), plain.rows(), plain.columns(), plain.data());
            default -> new VectorFloat32(plain.name(), plain.rows(), plain.columns(), plain.data());
          };
      case Weight.Float8 float8 -> {
        for (float scale : float8.scales()) {
          if (scale >= VectorFloat8.LARGEST_SCALE) {
            yield new ScalarMatrix(float8, false);
          }
        }
        yield new VectorFloat8(float8);
      }
      case Weight.Int8 int8 -> new VectorInt8(int8);
    };
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
    VectorDots.dots(w, wAt, rows, n, x, xAt, xStep, tokens, out, outAt, outStep, room);
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
    boolean panels = aRow == 1 && width == 2 * L && bRow == width && outRow == width;
    int done =
        panels ? VectorPanels.transposed(a, aAt, aStep, rows, n, b, bAt, out, outAt, add) : 0;
    if (done < rows) {
      int at = aAt + done * aRow;
      int to = outAt + done * outRow;
      VectorTiles.product(
          a, at, aRow, aStep, rows - done, n, b, bAt, bRow, width, out, to, outRow, add);
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
    VectorBFloat16Tiles.product(
        a, aAt, aRow, aStep, rows, n, b, bAt, bRow, width, out, outAt, outRow, add);
  }

  @Override
  public void panelProduct(
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
    if (width == 2 * L) {
      VectorPanels.product(w, wAt, rows, n, x, xAt, out, outAt, add);
    } else {
      Kernels.super.panelProduct(w, wAt, rows, n, x, xAt, width, out, outAt, add);
    }
  }

  @Override
  public void rmsNorm(float[] x, int at, int n, float[] gain, double eps, float[] out, int outAt) {
    float squares = VectorDots.one(x, at, n, x, at);
    float factor = (float) (1 / Math.sqrt(squares / (double) n + eps));
    FloatVector factors = FloatVector.broadcast(Lanes.FLOATS, factor);
    int i = 0;
    for (; i <= n - L; i += L) {
      load(x, at + i).mul(factors).mul(load(gain, i)).intoArray(out, outAt + i);
    }
    for (; i < n; i++) {
      out[outAt + i] = x[at + i] * factor * gain[i];
    }
  }

  @Override
  public void rmsNormPanel(
      float[] x, int at, int n, int width, float[] gain, double eps, float[] out, int outAt) {
    for (int c = 0; c < width; c += L) {
      FloatVector squares = FloatVector.zero(Lanes.FLOATS);
      for (int i = 0, o = at + c; i < n; i++, o += width) {
        FloatVector v = load(x, o);
        squares = v.fma(v, squares);
      }
      FloatVector factor =
          FloatVector.broadcast(Lanes.FLOATS, 1)
              .div(squares.div(n).add((float) eps).lanewise(VectorOperators.SQRT));
      for (int i = 0, o = at + c, to = outAt + c; i < n; i++, o += width, to += width) {
        load(x, o).mul(factor).mul(gain[i]).intoArray(out, to);
      }
    }
  }

  @Override
  public void rotate(float[] x, int at, int half, float[] cos, float[] sin, int tableAt) {
    int i = 0;
    for (; i <= half - L; i += L) {
      FloatVector a = load(x, at + i);
      FloatVector b = load(x, at + half + i);
      FloatVector c = load(cos, tableAt + i);
      FloatVector s = load(sin, tableAt + i);
      a.mul(c).sub(b.mul(s)).intoArray(x, at + i);
      b.mul(c).add(a.mul(s)).intoArray(x, at + half + i);
    }
    for (; i < half; i++) {
      float a = x[at + i];
      float b = x[at + half + i];
      x[at + i] = a * cos[tableAt + i] - b * sin[tableAt + i];
      x[at + half + i] = b * cos[tableAt + i] + a * sin[tableAt + i];
    }
  }

  @Override
  public void swiGlu(float[] gate, int gateAt, float[] up, int upAt, int n) {
    FloatVector one = FloatVector.broadcast(Lanes.FLOATS, 1);
    int i = 0;
    for (; i <= n - L; i += L) {
      FloatVector g = load(gate, gateAt + i);
      g.div(exp(g.neg()).add(one)).mul(load(up, upAt + i)).intoArray(gate, gateAt + i);
    }
    for (; i < n; i++) {
      float g = gate[gateAt + i];
      gate[gateAt + i] = g / (Exponential.exp(-g) + 1) * up[upAt + i];
    }
  }

  @Override
  public void addScaled(float[] y, int yAt, float[] x, int xAt, int n, float factor) {
    FloatVector factors = FloatVector.broadcast(Lanes.FLOATS, factor);
    int i = 0;
    for (; i <= n - L; i += L) {
      load(x, xAt + i).fma(factors, load(y, yAt + i)).intoArray(y, yAt + i);
    }
    for (; i < n; i++) {
      y[yAt + i] = Math.fma(x[xAt + i], factor, y[yAt + i]);
    }
  }

  @Override
  public void scale(float[] y, int at, int n, float factor) {
    int i = 0;
    for (; i <= n - L; i += L) {
      load(y, at + i).mul(factor).intoArray(y, at + i);
    }
    for (; i < n; i++) {
      y[at + i] *= factor;
    }
  }

  @Override
  public void scaleColumns(float[] y, int at, int rows, int width, float[] factors, int factorsAt) {
    for (int c = 0; c < width; c += L) {
      FloatVector factor = load(factors, factorsAt + c);
      for (int r = 0, o = at + c; r < rows; r++, o += width) {
        load(y, o).mul(factor).intoArray(y, o);
      }
    }
  }

  @Override
  public float softmaxRow(
      float[] scores, int at, int n, int from, int to, float scale, float[] state, int stateAt) {
    for (int i = 0; i < from; i++) {
      scores[at + i] = Float.NEGATIVE_INFINITY;
    }
    for (int i = to; i < n; i++) {
      scores[at + i] = Float.NEGATIVE_INFINITY;
    }
    FloatVector largest = load(scores, at);
    for (int i = L; i < n; i += L) {
      largest = largest.max(load(scores, at + i));
    }
    float before = state[stateAt];
    float max = Math.max(before, Lanes.max(largest) * scale);
    float rescale = before == max ? 1 : Exponential.exp(before - max);
    FloatVector shift = FloatVector.broadcast(Lanes.FLOATS, -max);
    FloatVector scales = FloatVector.broadcast(Lanes.FLOATS, scale);
    FloatVector sum = FloatVector.zero(Lanes.FLOATS);
    for (int i = 0; i < n; i += L) {
      FloatVector e = exp(load(scores, at + i).fma(scales, shift));
      e.intoArray(scores, at + i);
      sum = sum.add(e);
    }
    state[stateAt] = max;
    state[stateAt + 1] = state[stateAt + 1] * rescale + Lanes.sum(sum);
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
    for (int c = 0; c < width; c += L) {
      int first = queryPosition + c;
      boolean masks = keyPosition + rows - 1 > first || keyPosition <= first + L - 1 - window;
      if (masks) {
        mask(scores, at + c, rows, width, keyPosition, first, window);
      }
      FloatVector before = load(max, c);
      FloatVector largest = load(scores, at + c);
      for (int r = 1, o = at + c + width; r < rows; r++, o += width) {
        largest = largest.max(load(scores, o));
      }
      FloatVector now = before.max(largest.mul(scale));
      // A lane that has seen no key yet stays at −∞; its difference must not be NaN.
      FloatVector shift = now.max(-Float.MAX_VALUE).neg();
      FloatVector factor = exp(before.add(shift));
      FloatVector scales = FloatVector.broadcast(Lanes.FLOATS, scale);
      FloatVector total = load(sum, c).mul(factor);
      for (int r = 0, o = at + c; r < rows; r++, o += width) {
        FloatVector e = exp(load(scores, o).fma(scales, shift));
        e.intoArray(scores, o);
        total = total.add(e);
      }
      now.intoArray(max, c);
      total.intoArray(sum, c);
      factor.intoArray(rescale, c);
    }
  }

  /** Lane i is the query at {@code first + i}. */
  private static void mask(
      float[] scores, int at, int rows, int width, int keyPosition, int first, int window) {
    for (int r = 0, o = at; r < rows; r++, o += width) {
      int newest = keyPosition + r - first;
      VectorMask<Float> hidden =
          LANE_INDEX
              .compare(VectorOperators.LT, newest)
              .or(
                  LANE_INDEX.compare(
                      VectorOperators.GE, (float) Math.min(newest + (long) window, 1 << 20)));
      load(scores, o).blend(Float.NEGATIVE_INFINITY, hidden).intoArray(scores, o);
    }
  }

  @Override
  public float max(float[] x, int at, int n) {
    FloatVector largest = FloatVector.broadcast(Lanes.FLOATS, Float.NEGATIVE_INFINITY);
    int i = 0;
    for (; i <= n - L; i += L) {
      largest = largest.max(load(x, at + i));
    }
    float max = Lanes.max(largest);
    for (; i < n; i++) {
      max = Math.max(max, x[at + i]);
    }
    return max;
  }

  @Override
  public void decodeBFloat16(short[] codes, int at, int n, float[] out, int outAt) {
    int i = 0;
    for (; i <= n - Lanes.COUNT; i += Lanes.COUNT) {
      Lanes.fromBFloat16(ShortVector.fromArray(Lanes.SHORTS, codes, at + i))
          .intoArray(out, outAt + i);
    }
    for (; i < n; i++) {
      out[outAt + i] = Float.intBitsToFloat(codes[at + i] << 16);
    }
  }

  @Override
  public float logSumExp(float[] x, int at, int n) {
    float max = max(x, at, n);
    FloatVector shift = FloatVector.broadcast(Lanes.FLOATS, max);
    FloatVector sums = FloatVector.zero(Lanes.FLOATS);
    int i = 0;
    for (; i <= n - L; i += L) {
      sums = sums.add(exp(load(x, at + i).sub(shift)));
    }
    float sum = Lanes.sum(sums);
    for (; i < n; i++) {
      sum += Exponential.exp(x[at + i] - max);
    }
    return (float) (max + Math.log(sum));
  }

  private static FloatVector load(float[] x, int at) {
    return FloatVector.fromArray(Lanes.FLOATS, x, at);
  }

  /** {@link Exponential#exp} lane by lane. */
  static FloatVector exp(FloatVector x) {
    FloatVector bounded = x.min(Exponential.LARGEST);
    FloatVector round = FloatVector.broadcast(Lanes.FLOATS, Exponential.ROUND);
    FloatVector shifted =
        bounded.fma(FloatVector.broadcast(Lanes.FLOATS, Exponential.LOG2_E), round);
    FloatVector n = shifted.sub(round);
    FloatVector r = n.fma(FloatVector.broadcast(Lanes.FLOATS, -Exponential.LN2_HIGH), bounded);
    r = n.fma(FloatVector.broadcast(Lanes.FLOATS, -Exponential.LN2_LOW), r);
    FloatVector p =
        FloatVector.broadcast(Lanes.FLOATS, Exponential.C0)
            .fma(r, FloatVector.broadcast(Lanes.FLOATS, Exponential.C1));
    p = p.fma(r, FloatVector.broadcast(Lanes.FLOATS, Exponential.C2));
    p = p.fma(r, FloatVector.broadcast(Lanes.FLOATS, Exponential.C3));
    p = p.fma(r, FloatVector.broadcast(Lanes.FLOATS, Exponential.C4));
    p = p.fma(r, FloatVector.broadcast(Lanes.FLOATS, Exponential.C5));
    p = p.fma(r.mul(r), r).add(1);
    IntVector power =
        shifted.reinterpretAsInts().lanewise(VectorOperators.LSHL, 23).add(0x3F800000);
    FloatVector result = p.mul(power.reinterpretAsFloats());
    return result.blend(0, x.compare(VectorOperators.LT, Exponential.SMALLEST));
  }
}
