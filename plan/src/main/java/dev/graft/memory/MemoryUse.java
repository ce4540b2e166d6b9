package dev.graft.memory;

/**
 * The bytes of a rank at its fullest moment.
 *
 * @param weights in the format of computation
 * @param gradients as they are summed
 * @param optimizer this rank's share of the optimiser's state
 * @param activations of all micro-batches whose backward pass is still to come
 * @param working what one part needs only while it runs, logits of the loss among them
 * @param buffers of exchanges and the allocator's loss
 */
public record MemoryUse(
    double weights,
    double gradients,
    double optimizer,
    double activations,
    double working,
    double buffers) {
  /** All of it. */
  public double total() {
    return state() + activations + working + buffers;
  }

  /** What is there from the first step to the last. */
  public double state() {
    return weights + gradients + optimizer;
  }
}
