package dev.graft.calibration;

import java.util.Map;

/**
 * What one machine takes to train one model, piece by piece: measured by {@code graft profile},
 * read by the planner. Times are medians in seconds of one micro-batch.
 *
 * @param version of this form: {@value #VERSION}
 * @param graft version that measured
 * @param model whose layers these are
 * @param work what was given to them
 * @param machine where
 * @param embedding the look-up and its gradient
 * @param layer one decoder layer
 * @param head final norm, output head and loss; its forward pass is part of its backward pass
 * @param optimizer what a step does with all weights of the model
 * @param dataSeconds reading a micro-batch
 * @param processBytes resident at the fullest moment beyond the model's tensors: compiled code,
 *     heap, what malloc keeps
 * @param exchanges per kind ({@code all-reduce}, {@code all-to-all}, {@code send}) what an exchange
 *     between two processes of the machine takes
 */
public record Profile(
    int version,
    String graft,
    Model model,
    Work work,
    Machine machine,
    Piece embedding,
    Piece layer,
    Piece head,
    Optimizer optimizer,
    double dataSeconds,
    long processBytes,
    Map<String, Exchange> exchanges) {
  /** The form that this version writes and reads. */
  public static final int VERSION = 1;

  /** Keeps its own map. */
  public Profile {
    exchanges = Map.copyOf(exchanges);
  }

  /**
   * A model's shape, by the names of {@code config.json}.
   *
   * @param architecture its class in transformers
   * @param numExperts 0 for a dense model
   * @param numExpertsPerTok 0 for a dense model
   */
  public record Model(
      String architecture,
      int hiddenSize,
      int intermediateSize,
      int numHiddenLayers,
      int numAttentionHeads,
      int numKeyValueHeads,
      int headDim,
      int vocabSize,
      boolean tieWordEmbeddings,
      int numExperts,
      int numExpertsPerTok) {}

  /**
   * What was computed.
   *
   * @param dtype of the recipe: {@code f32}, {@code bf16} or {@code f64}
   * @param capacityFactor of the experts; 0 means dropless
   * @param threads of each process
   * @param processes how many computed at once
   */
  public record Work(
      String dtype,
      int microBatchSize,
      int sequenceLength,
      double capacityFactor,
      int threads,
      int processes) {}

  /** The machine and what ran on it. */
  public record Machine(
      String processor, int cores, long memoryBytes, String os, String java, String libtorch) {}

  /**
   * A stretch of the model and one micro-batch.
   *
   * @param forward seconds of the forward pass
   * @param backward seconds of the backward pass
   * @param recompute seconds that the backward pass takes longer if the stretch is recomputed
   * @param keptBytes held from the forward to the backward pass
   * @param keptIfRecomputedBytes the same if it is recomputed
   * @param forwardPeakBytes the most above what was held before the forward pass
   * @param backwardPeakBytes the most above what was held before the backward pass
   */
  public record Piece(
      double forward,
      double backward,
      double recompute,
      long keptBytes,
      long keptIfRecomputedBytes,
      long forwardPeakBytes,
      long backwardPeakBytes) {}

  /**
   * What a step does once.
   *
   * @param parameters trainable weights of the whole model
   * @param stretches of them that are exchanged one after the other between replicas
   * @param clearSeconds clearing the gradients
   * @param normSeconds the gradient's norm
   * @param updateSeconds AdamW
   */
  public record Optimizer(
      long parameters,
      int stretches,
      double clearSeconds,
      double normSeconds,
      double updateSeconds) {
    /** Of a step. */
    public double seconds() {
      return clearSeconds + normSeconds + updateSeconds;
    }
  }

  /**
   * Seconds of an exchange of n bytes: alpha + beta · n, where n is what each process hands over.
   *
   * @param alpha seconds
   * @param beta seconds per byte
   */
  public record Exchange(double alpha, double beta) {
    /** Seconds of an exchange. */
    public double seconds(double bytes) {
      return alpha + beta * bytes;
    }
  }
}
