package dev.graft.routing;

import dev.graft.checkpoint.Gating;
import dev.graft.checkpoint.MoeSpec;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.T_TensorTensor_T;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * Router logits to expert weights (arXiv 2406.06563, eq. 1 to 3).
 *
 * @param probabilities g: full softmax over the n experts after normalisation, before top-k, [T, n]
 * @param expertIds the k chosen experts, largest first, int64 [T, k]
 * @param weights their probabilities renormalised to sum to 1, [T, k]
 */
public record Gate(Tensor probabilities, Tensor expertIds, Tensor weights) {
  /** Smallest standard deviation that logits are divided by. */
  public static final double MIN_STD = 1e-6;

  /**
   * Routes tokens; autograd follows {@code logits} into probabilities and weights.
   *
   * @param logits z = W x, float32 or float64, [T, n]
   */
  public static Gate route(Tensor logits, MoeSpec moe) {
    Tensor scores =
        moe.gating() == Gating.NORMALIZED ? normalize(logits, moe.gateNormStd()) : logits;
    Tensor probabilities = torch.softmax(scores, -1);
    T_TensorTensor_T top = probabilities.topk(moe.topK(), -1, true, true);
    Tensor chosen = top.get0();
    Tensor weights = chosen.div(chosen.sum(new long[] {-1}, true, new ScalarTypeOptional()));
    // The tuple owns what get1 points to.
    return new Gate(probabilities, top.get1().detach(), weights);
  }

  /**
   * Gating logit normalisation: z~ = λ z / σ with the unbiased σ over experts. The mean stays in:
   * softmax does not see it.
   */
  static Tensor normalize(Tensor logits, double lambda) {
    Tensor std = torch.std(logits, new long[] {-1}, true, true);
    return logits.mul(std.clamp_min(new Scalar(MIN_STD)).reciprocal().mul(new Scalar(lambda)));
  }
}
