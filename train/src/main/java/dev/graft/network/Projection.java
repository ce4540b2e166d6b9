package dev.graft.network;

import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.global.torch;

/** y = x Wᵀ + b in the compute precision; autograd follows it. */
record Projection(Parameters parameters) {
  /**
   * Projects the last dimension.
   *
   * @param bias name of the bias, absent from the parameters where the model has none
   */
  Tensor apply(Tensor x, String weight, String bias) {
    TensorOptional b =
        parameters.has(bias)
            ? new TensorOptional(cast(parameters.weight(bias)))
            : new TensorOptional();
    return torch.linear(cast(x), cast(parameters.weight(weight)), b);
  }

  /** Without a bias. */
  Tensor apply(Tensor x, String weight) {
    return torch.linear(cast(x), cast(parameters.weight(weight)));
  }

  /** To the compute precision; the tensor itself where that is its type. */
  Tensor cast(Tensor x) {
    return x.to(parameters.precision().compute());
  }
}
