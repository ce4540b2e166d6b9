package dev.graft.network;

import java.util.List;

/**
 * One weight as the network uses it. Projections that share an input are stacked by rows into one
 * slot (q, k, v; gate and up), so that each stored tensor is a contiguous piece of it.
 *
 * @param name the name in the network
 * @param shape rows and columns, or one length
 * @param kind how the optimiser treats it
 * @param trainable false where frozen
 * @param offset first element in the flat weights
 * @param pieces the stored tensors it is made of, in order
 */
record Slot(
    String name, List<Long> shape, Kind kind, boolean trainable, long offset, List<Piece> pieces) {
  /** How the optimiser treats a weight. */
  enum Kind {
    /** A matrix of the trunk: weight decay. */
    TRUNK,
    /** A matrix of an expert: weight decay, expert learning-rate scale. */
    EXPERT,
    /** A norm or a bias: no weight decay. */
    VECTOR
  }

  /**
   * A stored tensor.
   *
   * @param name its name in a Hugging Face checkpoint
   * @param shape its shape there
   * @param offset first element in the flat weights
   */
  record Piece(String name, List<Long> shape, long offset) {
    long elements() {
      return product(shape);
    }
  }

  long elements() {
    return product(shape);
  }

  long[] shapeArray() {
    return shape.stream().mapToLong(Long::longValue).toArray();
  }

  private static long product(List<Long> shape) {
    return shape.stream().reduce(1L, Math::multiplyExact);
  }
}
