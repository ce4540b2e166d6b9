package dev.graft.checkpoint;

import java.util.Optional;
import java.util.OptionalInt;

/**
 * The shape of a decoder as {@code config.json} gives it: everything the forward pass depends on
 * and nothing else.
 *
 * @param family which architecture
 * @param vocabSize rows of the embedding
 * @param hiddenSize width of the residual stream
 * @param intermediateSize width of one FFN or of one expert
 * @param numHiddenLayers decoder layers
 * @param numAttentionHeads query heads
 * @param numKeyValueHeads key/value heads; divides {@code numAttentionHeads}
 * @param headDim width of a head, not always hidden / heads
 * @param rmsNormEps epsilon of RMSNorm
 * @param rope rotary embedding
 * @param maxPositionEmbeddings longest sequence the model was made for
 * @param tieWordEmbeddings whether the output head is the embedding
 * @param queryKeyValueBias whether q, k and v projections add a bias (Qwen2)
 * @param outputBias whether the attention output projection adds a bias
 * @param feedForwardBias whether the dense FFN projections add a bias
 * @param queryKeyNorm whether q and k are RMS-normalised per head before rotation (Qwen3)
 * @param slidingWindow tokens each position sees, itself included; empty means all
 * @param initializerRange standard deviation of fresh weights
 * @param moe the experts; empty for a dense model
 */
public record ModelSpec(
    Family family,
    int vocabSize,
    int hiddenSize,
    int intermediateSize,
    int numHiddenLayers,
    int numAttentionHeads,
    int numKeyValueHeads,
    int headDim,
    double rmsNormEps,
    RopeSpec rope,
    int maxPositionEmbeddings,
    boolean tieWordEmbeddings,
    boolean queryKeyValueBias,
    boolean outputBias,
    boolean feedForwardBias,
    boolean queryKeyNorm,
    OptionalInt slidingWindow,
    double initializerRange,
    Optional<MoeSpec> moe) {}
