package dev.graft.layout;

/**
 * The part of a tensor that one rank holds, in the tensor's own coordinates: a quantised weight's
 * block of row r and column c stays (r / rowBlock, c / columnBlock). A vector is one row.
 *
 * @param name the tensor's Hugging Face name
 */
public record TensorSlice(String name, Range rows, Range columns) {
  /** How many elements it has. */
  public long elements() {
    return (long) rows.length() * columns.length();
  }
}
