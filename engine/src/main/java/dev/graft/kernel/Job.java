package dev.graft.kernel;

/**
 * A product of rows of a weight with tokens that lie row by row: out[outAt + t · outStep + (row −
 * rowFrom)] = Σ w[row][columnFrom + i] · x[xAt + t · xStep + i].
 *
 * @param matrix the weight
 * @param rowFrom first output feature
 * @param rowTo end of the output features
 * @param columnFrom first input feature
 * @param columnTo end of the input features
 * @param tokens how many
 */
public record Job(
    Matrix matrix,
    int rowFrom,
    int rowTo,
    int columnFrom,
    int columnTo,
    float[] x,
    int xAt,
    int xStep,
    int tokens,
    float[] out,
    int outAt,
    int outStep) {}
