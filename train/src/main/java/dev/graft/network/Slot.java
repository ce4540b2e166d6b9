package dev.graft.network;

import dev.graft.layout.Range;
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
 * @param pieces what it is made of: stored tensors or parts of them, in order
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
   * The part of a stored tensor that is held.
   *
   * @param name its name in a Hugging Face checkpoint
   * @param shape that of the whole tensor there
   * @param rows held; of a vector, its elements
   * @param columns held; one for a vector
   * @param own the rows that this rank, of all that hold them, saves and counts
   * @param offset first element in the flat weights
   */
  record Piece(String name, List<Long> shape, Range rows, Range columns, Range own, long offset) {
    long elements() {
      return (long) rows.length() * columns.length();
    }

    Piece at(long place) {
      return new Piece(name, shape, rows, columns, own, place);
    }
  }

  long elements() {
    return shape.stream().reduce(1L, Math::multiplyExact);
  }

  long[] shapeArray() {
    return shape.stream().mapToLong(Long::longValue).toArray();
  }
}
