package dev.graft.routing;

import java.util.OptionalDouble;
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
 * @param start first row of each expert
 * @param count rows of each expert, dropped ones included
 * @param kept rows of each expert within capacity
 */
public record Dispatch(
    Tensor order, Tensor tokens, Tensor inverse, long[] start, long[] count, long[] kept) {
  /**
   * Sorts assignments by expert.
   *
   * @param expertIds int64 [T, k], best choice first
   * @param capacityFactor empty means dropless
   */
  public static Dispatch of(Tensor expertIds, int numExperts, OptionalDouble capacityFactor) {
    long tokens = expertIds.size(0);
    long choices = expertIds.size(1);
    Tensor flat = expertIds.t().contiguous().view(-1);
    Tensor order = flat.argsort(true, 0, false);
    Tensor inverse = torch.empty_like(order);
    inverse.scatter_(
        0, order, torch.arange(new Scalar(tokens * choices)).to(order.device(), ScalarType.Long));
    Tensor counts = torch.bincount(flat, new TensorOptional(), numExperts);
    long[] count = new long[numExperts];
    counts.cpu().data_ptr_long().get(count);
    long capacity =
        capacityFactor.isPresent()
            ? capacity(capacityFactor.getAsDouble(), choices, tokens, numExperts)
            : Long.MAX_VALUE;
    long[] start = new long[numExperts];
    long[] kept = new long[numExperts];
    long row = 0;
    for (int e = 0; e < numExperts; e++) {
      start[e] = row;
      kept[e] = Math.min(count[e], capacity);
      row += count[e];
    }
    return new Dispatch(order, order.remainder(new Scalar(tokens)), inverse, start, count, kept);
  }

  /** C = ceil(capacity_factor · k · T / n). */
  public static long capacity(double capacityFactor, long topK, long tokens, int numExperts) {
    return (long) Math.ceil(capacityFactor * topK * tokens / numExperts);
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
