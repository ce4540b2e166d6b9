package dev.graft.decoder;

import dev.graft.kernel.Matrix;

/**
 * The weights of a decoder layer, in place. Vectors that a family does not have are empty.
 *
 * @param inputNorm gain before attention
 * @param q query projection
 * @param k key projection
 * @param v value projection
 * @param o output projection
 * @param qBias of q, or empty
 * @param kBias of k, or empty
 * @param vBias of v, or empty
 * @param oBias of o, or empty
 * @param qNorm gain of each query head, or empty
 * @param kNorm gain of each key head, or empty
 * @param feedForwardNorm gain before the FFN
 * @param feedForward the FFN or the experts
 */
record LayerWeights(
    float[] inputNorm,
    Matrix q,
    Matrix k,
    Matrix v,
    Matrix o,
    float[] qBias,
    float[] kBias,
    float[] vBias,
    float[] oBias,
    float[] qNorm,
    float[] kNorm,
    float[] feedForwardNorm,
    FeedForward feedForward) {

  /** What follows attention. */
  sealed interface FeedForward {}

  /** A SwiGLU FFN: down(silu(gate x) · up x). */
  record Dense(
      Matrix gate, Matrix up, Matrix down, float[] gateBias, float[] upBias, float[] downBias)
      implements FeedForward {}

  /** Routed SwiGLU experts: w1 the gate, w3 up, w2 down. */
  record Routed(Matrix router, Matrix[] w1, Matrix[] w3, Matrix[] w2) implements FeedForward {}
}
