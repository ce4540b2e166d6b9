package dev.graft.search;

/**
 * Layers in their order, to be dealt out to the stages of a 1F1B pipeline. Times are seconds a
 * micro-batch, sizes bytes a rank. Neither may fall as {@code count} grows; recomputing one layer
 * more never saves time and never costs memory.
 */
public interface PipelineProblem {
  /** Layers to deal out, at least one a stage. */
  int layers();

  /** Stages of the pipeline. */
  int stages();

  /** Micro-batches of a step. */
  int microBatches();

  /** The limit of a stage's ranks. */
  double memory(int stage);

  /** Whether layers are alike, so that {@code from} does not matter. */
  boolean isUniform();

  /**
   * Forward and backward time of a stage.
   *
   * @param from its first layer
   * @param count its layers
   * @param recomputed how many of them are recomputed whole
   */
  double time(int stage, int from, int count, int recomputed);

  /** Bytes of a rank of such a stage. */
  double bytes(int stage, int from, int count, int recomputed);
}
