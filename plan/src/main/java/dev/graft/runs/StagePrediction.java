package dev.graft.runs;

/**
 * What one rank of a stage is predicted to do in a step.
 *
 * @param forward seconds of the forward passes of all micro-batches
 * @param backward seconds of their backward passes, recomputation included
 * @param waiting seconds in which it waits for its neighbours
 * @param end seconds after the passes: sums over replicas and the optimiser
 * @param stateBytes weights, gradients, moments
 * @param activationBytes kept for backward passes to come, at the fullest moment
 * @param workingBytes of the part that needs the most while it runs
 * @param processBytes of the process beyond its tensors
 */
public record StagePrediction(
    double forward,
    double backward,
    double waiting,
    double end,
    double stateBytes,
    double activationBytes,
    double workingBytes,
    double processBytes) {
  /** Above what the process had before the model was there. */
  public double bytes() {
    return stateBytes + activationBytes + workingBytes + processBytes;
  }
}
