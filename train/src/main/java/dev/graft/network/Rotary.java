package dev.graft.network;

import dev.graft.checkpoint.ModelSpec;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** Rotary position embedding, half-split as Hugging Face's Llama has it. */
final class Rotary implements AutoCloseable {
  private final double[] inverseFrequencies;
  private final double attentionFactor;
  private final Parameters parameters;
  private long length;
  private Tensor cos;
  private Tensor sin;

  Rotary(ModelSpec spec, Parameters parameters) {
    this.inverseFrequencies = spec.rope().inverseFrequencies(spec.headDim());
    this.attentionFactor = spec.rope().attentionFactor();
    this.parameters = parameters;
    fill(1);
  }

  /** Rotates {@code x}, [B, heads, S, D], by its positions 0 … S−1. */
  Tensor rotate(Tensor x) {
    long positions = x.size(2);
    if (positions > length) {
      release();
      fill(positions);
    }
    long half = x.size(3) / 2;
    Tensor c = cos.narrow(0, 0, positions);
    Tensor s = sin.narrow(0, 0, positions);
    Tensor first = x.narrow(3, 0, half);
    Tensor second = x.narrow(3, half, half);
    return torch.cat(
        new TensorVector(first.mul(c).sub(second.mul(s)), second.mul(c).add(first.mul(s))), -1);
  }

  private void fill(long positions) {
    int half = inverseFrequencies.length;
    double[] c = new double[Math.toIntExact(positions * half)];
    double[] s = new double[c.length];
    for (int p = 0; p < positions; p++) {
      for (int i = 0; i < half; i++) {
        double angle = p * inverseFrequencies[i];
        c[p * half + i] = Math.cos(angle) * attentionFactor;
        s[p * half + i] = Math.sin(angle) * attentionFactor;
      }
    }
    try (PointerScope _ = new PointerScope()) {
      Device device = parameters.flatWeights().device();
      ScalarType type = parameters.precision().stream();
      cos = Tensor.create(c, positions, half).to(device, type).retainReference();
      sin = Tensor.create(s, positions, half).to(device, type).retainReference();
    }
    length = positions;
  }

  private void release() {
    cos.releaseReference();
    sin.releaseReference();
  }

  @Override
  public void close() {
    release();
  }
}
