package dev.graft.network;

import org.bytedeco.pytorch.DoubleOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.global.torch;

/** RMSNorm over the last dimension in the stream's precision; autograd follows it. */
record Norm(Parameters parameters, double eps) {
  Tensor apply(Tensor x, String weight) {
    return torch.rms_norm(
        x.to(parameters.precision().stream()),
        new long[] {x.size(-1)},
        new TensorOptional(parameters.weight(weight)),
        new DoubleOptional(eps));
  }
}
