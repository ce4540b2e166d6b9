package dev.graft.quantize;

/**
 * What quantising one weight cost.
 *
 * @param name of the tensor
 * @param kind which part of a model it is: q_proj, down_proj, w1, lm_head, …
 * @param rows of the matrix
 * @param columns of the matrix
 * @param largestWeight greatest magnitude before
 * @param maxError greatest difference of a weight before and after
 * @param squaredError sum of the squared differences
 * @param squaredWeight sum of the squared weights before
 */
public record TensorError(
    String name,
    String kind,
    int rows,
    int columns,
    float largestWeight,
    double maxError,
    double squaredError,
    double squaredWeight) {
  /** How many weights. */
  public long elements() {
    return (long) rows * columns;
  }

  /** With what further rows of the same matrix cost. */
  TensorError with(TensorError rest) {
    return new TensorError(
        name,
        kind,
        rows,
        columns,
        Math.max(largestWeight, rest.largestWeight),
        Math.max(maxError, rest.maxError),
        squaredError + rest.squaredError,
        squaredWeight + rest.squaredWeight);
  }

  /** Root mean square of the differences over that of the weights; 0 where all weights are 0. */
  public double relativeRms() {
    return squaredWeight == 0 ? 0 : Math.sqrt(squaredError / squaredWeight);
  }
}
