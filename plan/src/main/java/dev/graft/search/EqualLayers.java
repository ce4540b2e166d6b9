package dev.graft.search;

import dev.graft.checkpoint.InvalidInputException;
import dev.graft.pipeline.OneForwardOneBackward;

/**
 * Equal layers to be dealt out to the stages of a 1F1B pipeline, between an embedding on the first
 * stage and a head on the last. Times are seconds a micro-batch, sizes bytes a rank.
 *
 * @param layers to deal out, at least one a stage
 * @param forward of a layer
 * @param backward of a layer, without recomputation
 * @param embedding forward and backward, added to the first stage
 * @param head forward and backward with the loss, added to the last stage
 * @param layerState weights, gradients and optimiser of a layer
 * @param embeddingState the same of the embedding
 * @param headState the same of the head
 * @param kept activations of a layer kept for its backward pass, a micro-batch
 * @param keptIfRecomputed the layer's input alone, a micro-batch
 * @param memory the limit of a rank
 */
public record EqualLayers(
    int layers,
    int stages,
    int microBatches,
    double forward,
    double backward,
    double embedding,
    double head,
    double layerState,
    double embeddingState,
    double headState,
    double kept,
    double keptIfRecomputed,
    double memory)
    implements PipelineProblem {
  /** Refuses a pipeline that has fewer layers than stages. */
  public EqualLayers {
    if (stages < 1 || layers < stages || microBatches < 1) {
      throw new InvalidInputException(
          "%d layers cannot be dealt out to %d stages for %d micro-batches; take at most as many stages as layers, and at least one micro-batch."
              .formatted(layers, stages, microBatches));
    }
    if (!(keptIfRecomputed <= kept)) {
      throw new InvalidInputException(
          "A recomputed layer keeps %s bytes and a kept one %s; the first must not be more."
              .formatted(keptIfRecomputed, kept));
    }
  }

  @Override
  public double memory(int stage) {
    return memory;
  }

  @Override
  public boolean isUniform() {
    return true;
  }

  /** A recomputed layer runs its forward pass twice. */
  @Override
  public double time(int stage, int from, int count, int recomputed) {
    return count * (forward + backward)
        + recomputed * forward
        + (stage == 0 ? embedding : 0)
        + (stage == stages - 1 ? head : 0);
  }

  /** With the activations of all micro-batches that 1F1B keeps. */
  @Override
  public double bytes(int stage, int from, int count, int recomputed) {
    int alive = OneForwardOneBackward.alive(stage, stages, microBatches);
    return count * layerState
        + (stage == 0 ? embeddingState : 0)
        + (stage == stages - 1 ? headState : 0)
        + alive * ((count - recomputed) * kept + recomputed * keptIfRecomputed);
  }
}
