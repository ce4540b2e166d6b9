package dev.graft.routing;

import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/**
 * Losses on the router's output of one layer and routing group, from sums over its tokens: ranks
 * that split the tokens add their sums up first.
 *
 * @param sums Σ_i g_ij of each expert j, then Σ_i logsumexp(z_i)², [n + 1], detached
 * @param tokens T of the group
 */
public record AuxiliaryLoss(Tensor sums, long tokens) {
  /**
   * The sums of some tokens; autograd follows.
   *
   * @param probabilities g, [T, n], dropped tokens included
   * @param logits z before normalisation, [T, n]
   */
  public static Tensor sums(Tensor probabilities, Tensor logits) {
    Tensor mass = probabilities.sum(0);
    Tensor squares = torch.logsumexp(logits, -1).square().sum().unsqueeze(0);
    return torch.cat(new TensorVector(mass, squares), 0);
  }

  /** L_aux = Σ_j (1/n − (1/T) Σ_i g_ij)² (arXiv 2406.06563, eq. 4). */
  public double balance() {
    return excess().square().sum().item_double();
  }

  /** Router z-loss: mean of logsumexp(z)² (ST-MoE, arXiv 2202.08906, eq. 5). */
  public double zLoss() {
    return sums.select(0, experts()).item_double() / tokens;
  }

  /** The gradient of {@code balanceScale} L_aux + {@code zScale} L_z by the sums, [n + 1]. */
  public Tensor gradient(double balanceScale, double zScale) {
    Tensor gradient = torch.full_like(sums, new Scalar(zScale / tokens));
    gradient.narrow(0, 0, experts()).copy_(excess().mul_(new Scalar(2 * balanceScale / tokens)));
    return gradient;
  }

  /** (1/T) Σ_i g_ij − 1/n, [n]. */
  private Tensor excess() {
    return sums.narrow(0, 0, experts())
        .div(new Scalar((double) tokens))
        .sub_(new Scalar(1.0 / experts()));
  }

  private long experts() {
    return sums.size(0) - 1;
  }
}
