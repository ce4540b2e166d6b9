package dev.graft.routing;

import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/** Losses on the router's output, one scalar per layer and routing group. */
public final class AuxiliaryLoss {
  private AuxiliaryLoss() {}

  /**
   * L_aux = Σ_j (1/n − (1/T) Σ_i g_ij)² (arXiv 2406.06563, eq. 4).
   *
   * @param probabilities g, [T, n], dropped tokens included
   */
  public static Tensor balance(Tensor probabilities) {
    double uniform = 1.0 / probabilities.size(1);
    return probabilities.mean(0).sub(new Scalar(uniform)).square().sum();
  }

  /**
   * Router z-loss: mean of logsumexp(z)² (ST-MoE, arXiv 2202.08906, eq. 5).
   *
   * @param logits z before normalisation, [T, n]
   */
  public static Tensor zLoss(Tensor logits) {
    return torch.logsumexp(logits, -1).square().mean();
  }
}
