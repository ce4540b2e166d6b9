package dev.graft.network;

import org.bytedeco.pytorch.Tensor;

/**
 * How the ranks that share a layer's work give each other tensors, outside autograd. All call the
 * same methods in the same order. What is given back is a tensor of its own, or, in a group of one,
 * the argument.
 */
public interface Exchange {
  /** This rank's place in the group. */
  int rank();

  /** How many ranks there are. */
  int size();

  /** Replaces elements by their sums over the group: the same bits on all. */
  void allReduceSum(Tensor tensor);

  /**
   * The rows of all ranks, one rank's after another's.
   *
   * @param own this rank's rows, [rows[rank], …]
   * @param rows how many each rank has
   */
  Tensor allGather(Tensor own, long[] rows);

  /**
   * The sums over the group of the rows that are this rank's.
   *
   * @param partial this rank's summands of all rows, [Σ rows, …]
   * @param rows how many of them go to each rank, in rank order
   */
  Tensor reduceScatter(Tensor partial, long[] rows);

  /**
   * Gives each rank its rows.
   *
   * @param rows those for the first rank, then those for the second, …
   * @param sent how many go to each
   * @param received how many come from each
   * @param meanwhile what is done while they travel
   * @return what came from the first rank, then from the second, …
   */
  Tensor allToAll(Tensor rows, long[] sent, long[] received, Runnable meanwhile);

  /** The same with nothing else to do. */
  default Tensor allToAll(Tensor rows, long[] sent, long[] received) {
    return allToAll(rows, sent, received, () -> {});
  }

  /** A group of one. */
  static Exchange solo() {
    return new Exchange() {
      @Override
      public int rank() {
        return 0;
      }

      @Override
      public int size() {
        return 1;
      }

      @Override
      public void allReduceSum(Tensor tensor) {}

      @Override
      public Tensor allGather(Tensor own, long[] rows) {
        return own;
      }

      @Override
      public Tensor reduceScatter(Tensor partial, long[] rows) {
        return partial;
      }

      @Override
      public Tensor allToAll(Tensor rows, long[] sent, long[] received, Runnable meanwhile) {
        meanwhile.run();
        return rows;
      }
    };
  }
}
