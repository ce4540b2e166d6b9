package dev.graft.routing;

import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * Who goes where: the A = k · T assignments sorted by expert, each expert's in the order of
 * priority (all first choices, then all second choices, each by token position), so that capacity
 * cuts off the tail of each expert's stretch.
 *
 * @param order choice-major index of an assignment (choice · T + token) at each sorted row, int64
 *     [A]
 * @param tokens its token, int64 [A]
 * @param inverse the sorted row of each choice-major assignment, int64 [A]
 * @param choices assignments of each choice to each expert, dropped ones included, [k][n]
 * @param start first row of each expert
 * @param count rows of each expert, dropped ones included
 * @param kept rows of each expert within capacity
 */
public record Dispatch(
    Tensor order,
    Tensor tokens,
    Tensor inverse,
    long[][] choices,
    long[] start,
    long[] count,
    long[] kept) {
  /**
   * Sorts assignments by expert; none is dropped.
   *
   * @param expertIds int64 [T, k], best choice first
   */
  public static Dispatch of(Tensor expertIds, int numExperts) {
    long tokens = expertIds.size(0);
    int k = Math.toIntExact(expertIds.size(1));
    Tensor byChoice = expertIds.t().contiguous();
    Tensor flat = byChoice.view(-1);
    Tensor order = flat.argsort(true, 0, false);
    Tensor inverse = torch.empty_like(order);
    inverse.scatter_(
        0, order, torch.arange(new Scalar(tokens * k)).to(order.device(), ScalarType.Long));
    Tensor firsts =
        torch
            .arange(new Scalar((long) k * numExperts))
            .to(order.device(), ScalarType.Long)
            .view(k, numExperts)
            .narrow(1, 0, 1);
    Tensor counts =
        torch.bincount(byChoice.add(firsts).view(-1), new TensorOptional(), (long) k * numExperts);
    long[] both = new long[k * numExperts];
    counts.cpu().data_ptr_long().get(both);
    long[][] choices = new long[k][numExperts];
    long[] start = new long[numExperts];
    long[] count = new long[numExperts];
    long row = 0;
    for (int e = 0; e < numExperts; e++) {
      start[e] = row;
      for (int c = 0; c < k; c++) {
        choices[c][e] = both[c * numExperts + e];
        count[e] += choices[c][e];
      }
      row += count[e];
    }
    Tensor token = order.remainder(new Scalar(Math.max(1, tokens)));
    return new Dispatch(order, token, inverse, choices, start, count, count.clone());
  }

  /** The same with only the first so many rows of each expert kept. */
  public Dispatch keeping(long[] rows) {
    return new Dispatch(order, tokens, inverse, choices, start, count, rows.clone());
  }

  /** k · T. */
  public long assignments() {
    long sum = 0;
    for (long c : count) {
      sum += c;
    }
    return sum;
  }

  /** Assignments beyond capacity. */
  public long dropped() {
    long sum = 0;
    for (int e = 0; e < count.length; e++) {
      sum += count[e] - kept[e];
    }
    return sum;
  }
}
