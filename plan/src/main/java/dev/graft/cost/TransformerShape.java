package dev.graft.cost;

import dev.graft.checkpoint.InvalidInputException;

/**
 * The sizes of a decoder.
 *
 * @param layers all of them
 * @param hidden width of the residual stream
 * @param ffn width of a dense layer's FFN
 * @param gated whether an FFN has three matrices (SwiGLU) or two
 * @param heads of queries
 * @param kvHeads of keys and values
 * @param headDim width of a head
 * @param vocab rows of the embedding
 * @param tied whether the output head is the embedding
 * @param experts those of a mixture-of-experts layer
 * @param attention which weights and scores the attention of a layer has
 */
public record TransformerShape(
    int layers,
    int hidden,
    int ffn,
    boolean gated,
    int heads,
    int kvHeads,
    int headDim,
    int vocab,
    boolean tied,
    Experts experts,
    Attention attention) {
  /**
   * The mixture-of-experts layers.
   *
   * @param layers how many layers of the model have experts; 0: none
   * @param count of experts in each
   * @param topK experts a token goes to
   * @param ffn width of an expert
   * @param sharedFfn width of what every token passes; 0: none
   */
  public record Experts(int layers, int count, int topK, int ffn, int sharedFfn) {
    /** No experts. */
    public static final Experts NONE = new Experts(0, 0, 0, 0, 0);
  }

  /** Refuses sizes that are not positive, and more layers of experts than layers. */
  public TransformerShape {
    if (Math.min(Math.min(layers, hidden), Math.min(heads, kvHeads)) < 1
        || Math.min(Math.min(ffn, headDim), vocab) < 1) {
      throw new InvalidInputException(
          "A model of %d layers, hidden %d, ffn %d, %d heads, %d kv heads, head dim %d and vocab %d has no shape; each must be at least 1."
              .formatted(layers, hidden, ffn, heads, kvHeads, headDim, vocab));
    }
    if (experts.layers() > layers || experts.topK() > experts.count()) {
      throw new InvalidInputException(
          "%d layers with top-%d of %d experts do not go into a model of %d layers; take no more than there are."
              .formatted(experts.layers(), experts.topK(), experts.count(), layers));
    }
  }

  /** A decoder whose layers attend to all earlier positions. */
  public TransformerShape(
      int layers,
      int hidden,
      int ffn,
      boolean gated,
      int heads,
      int kvHeads,
      int headDim,
      int vocab,
      boolean tied,
      Experts experts) {
    this(
        layers,
        hidden,
        ffn,
        gated,
        heads,
        kvHeads,
        headDim,
        vocab,
        tied,
        experts,
        new Attention.Full());
  }

  /** Layers without experts; they come first. */
  public int denseLayers() {
    return layers - experts.layers();
  }

  /** Weights of all matrices (norms and biases, under a thousandth, left out). */
  public double parameters() {
    double ofExperts =
        experts.layers() * (double) experts.count() * feedForward(experts.ffn())
            + experts.layers() * everyTokens();
    return layers * attentionWeights()
        + (layers - experts.layers()) * feedForward(ffn)
        + ofExperts
        + (double) vocab * hidden * (tied ? 1 : 2);
  }

  /** Weights that multiply a token: those of its top-k experts only, and of the output head. */
  public double activeParameters() {
    return layers * attentionWeights()
        + (layers - experts.layers()) * feedForward(ffn)
        + experts.layers() * (experts.topK() * feedForward(experts.ffn()) + everyTokens())
        + (double) vocab * hidden;
  }

  /**
   * FLOPs a token of a training step: 3 × forward (the backward pass counts twice), where forward
   * is 2 × {@link #activeParameters} + 4 · seq · heads · headDim · layers for the scores and their
   * products with the values, all seq × seq of them counted (Narayanan et al., arXiv 2104.04473,
   * appendix, without its recomputation).
   *
   * @param sequence tokens in a sequence
   */
  public double trainingFlopsPerToken(int sequence) {
    return 3 * (2 * activeParameters() + layers * 2 * scoreWidth() * meanPositions(sequence));
  }

  /**
   * The same where a position's scores count only with the positions up to it: half of them. This
   * is what the device computes with a fused kernel, and what Megatron-LM counts since 2025.
   */
  public double causalFlopsPerToken(int sequence) {
    return 3 * (2 * activeParameters() + layers * scoreWidth() * meanPositions(sequence));
  }

  /** Weights of a layer's attention. */
  public double attentionWeights() {
    return switch (attention) {
      case Attention.Latent latent ->
          (double) latent.queryRank() * (hidden + heads * (latent.nope() + latent.rope()))
              + (double) hidden * (latent.keyValueRank() + latent.rope())
              + (double) latent.keyValueRank() * heads * (latent.nope() + latent.value())
              + (double) heads * latent.value() * hidden;
      case Attention.Full _, Attention.Alternating _ -> 2.0 * hidden * headDim * (heads + kvHeads);
    };
  }

  /**
   * Elements of queries with values over all heads: a score and its product with a value take twice
   * as many FLOPs a pair of positions.
   */
  public double scoreWidth() {
    return switch (attention) {
      case Attention.Latent latent ->
          (double) heads * (latent.nope() + latent.rope() + latent.value());
      case Attention.Full _, Attention.Alternating _ -> 2.0 * heads * headDim;
    };
  }

  /** Elements of queries, keys and values of a token. */
  public double queryKeyValueWidth() {
    return switch (attention) {
      case Attention.Latent latent ->
          (double) heads * (2.0 * (latent.nope() + latent.rope()) + latent.value());
      case Attention.Full _, Attention.Alternating _ -> (double) headDim * (heads + 2 * kvHeads);
    };
  }

  /** Elements of what attention hands to its output projection, of a token. */
  public double contextWidth() {
    return attention instanceof Attention.Latent latent
        ? (double) heads * latent.value()
        : (double) heads * headDim;
  }

  /**
   * Positions that a position is scored with, as a mean over layers: all of a sequence, or a window
   * of twice its reach in every second layer, so that half of either is what a causal mask leaves.
   */
  public double meanPositions(int sequence) {
    return attention instanceof Attention.Alternating alternating
        ? (sequence + Math.min(sequence, 2.0 * alternating.window())) / 2
        : sequence;
  }

  /** Weights of an FFN of a width. */
  public double feedForward(int width) {
    return (gated ? 3.0 : 2.0) * hidden * width;
  }

  /** The router and the shared expert of a layer. */
  private double everyTokens() {
    return (double) hidden * experts.count() + feedForward(experts.sharedFfn());
  }
}
