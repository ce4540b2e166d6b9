package dev.graft.routing;

import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.T_TensorTensor_T;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * What the router of one layer did with one or more routing groups. Sums, so that groups and ranks
 * add up.
 *
 * @param groups routing groups
 * @param tokens T over all groups
 * @param assignments k · T
 * @param dropped assignments beyond capacity
 * @param load assignments per expert, dropped ones included
 * @param auxLoss Σ over groups of L_aux
 * @param zLoss Σ over groups of the z-loss before its coefficient
 * @param max1OverMax2 Σ over tokens of the largest probability over the second
 * @param max2OverMax3 Σ over tokens of the second over the third; 0 where n = 2
 * @param entropy Σ over tokens of −Σ g log g in nats
 */
public record RoutingStats(
    long groups,
    long tokens,
    long assignments,
    long dropped,
    long[] load,
    double auxLoss,
    double zLoss,
    double max1OverMax2,
    double max2OverMax3,
    double entropy) {
  /** The statistics of one group; autograd does not follow. */
  public static RoutingStats of(Gate gate, Dispatch dispatch, AuxiliaryLoss loss) {
    try (PointerScope _ = new PointerScope()) {
      Tensor g = gate.probabilities().detach();
      long experts = g.size(1);
      T_TensorTensor_T top = g.topk(Math.min(3, experts), -1, true, true);
      Tensor max = top.get0();
      Scalar tiny = new Scalar(1e-30);
      double first = ratio(max, 0, tiny);
      double second = experts > 2 ? ratio(max, 1, tiny) : 0;
      double entropy = -torch.mul(g, g.clamp_min(tiny).log()).sum().item_double();
      return new RoutingStats(
          1,
          g.size(0),
          dispatch.assignments(),
          dispatch.dropped(),
          dispatch.count().clone(),
          loss.balance(),
          loss.zLoss(),
          first,
          second,
          entropy);
    }
  }

  private static double ratio(Tensor max, long column, Scalar tiny) {
    return max.select(1, column).div(max.select(1, column + 1).clamp_min(tiny)).sum().item_double();
  }

  /**
   * Where the tokens of a group are split and its losses are those of the whole: all but these,
   * which one part reports.
   */
  public RoutingStats withoutGroup() {
    return new RoutingStats(
        0, tokens, assignments, dropped, load, 0, 0, max1OverMax2, max2OverMax3, entropy);
  }

  /** The same where the dispatch too is that of the whole. */
  public RoutingStats withoutDispatch() {
    return new RoutingStats(
        groups,
        tokens,
        0,
        0,
        new long[load.length],
        auxLoss,
        zLoss,
        max1OverMax2,
        max2OverMax3,
        entropy);
  }

  /** Both together. */
  public RoutingStats plus(RoutingStats other) {
    long[] sum = load.clone();
    for (int e = 0; e < sum.length; e++) {
      sum[e] += other.load[e];
    }
    return new RoutingStats(
        groups + other.groups,
        tokens + other.tokens,
        assignments + other.assignments,
        dropped + other.dropped,
        sum,
        auxLoss + other.auxLoss,
        zLoss + other.zLoss,
        max1OverMax2 + other.max1OverMax2,
        max2OverMax3 + other.max2OverMax3,
        entropy + other.entropy);
  }

  /** d: dropped assignments over all assignments. */
  public double dropRate() {
    return assignments == 0 ? 0 : (double) dropped / assignments;
  }
}
