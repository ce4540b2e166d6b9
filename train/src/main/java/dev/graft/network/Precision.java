package dev.graft.network;

import java.util.Locale;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * What the matrix products are computed in; the residual stream, norms, gate and loss stay in
 * {@link #stream}.
 */
public enum Precision {
  /** Everything in float32. */
  F32(ScalarType.Float, ScalarType.Float),
  /** float32 weights and stream, bfloat16 operands of every matrix product but the gate's. */
  BF16(ScalarType.Float, ScalarType.BFloat16),
  /** Everything in float64: for comparing gradients. */
  F64(ScalarType.Double, ScalarType.Double);

  private final ScalarType stream;
  private final ScalarType compute;

  Precision(ScalarType stream, ScalarType compute) {
    this.stream = stream;
    this.compute = compute;
  }

  /** The type of weights, gradients, residual stream, norms, softmax and loss. */
  public ScalarType stream() {
    return stream;
  }

  /** The type of the operands of matrix products. */
  public ScalarType compute() {
    return compute;
  }

  /** Whether operands are cast before a product. */
  public boolean casts() {
    return stream != compute;
  }

  /** The spelling of a recipe's {@code dtype}. */
  public String key() {
    return name().toLowerCase(Locale.ROOT);
  }
}
