package dev.graft.kernel;

/**
 * A product of rows of a weight with tokens that lie in panels [features, width], one lane a token:
 * panel p of x starts at {@code xAt + p · xPanel}, of out at {@code outAt + p · outPanel}; output
 * feature {@code row} is line {@code row − rowFrom} of the panel of out.
 *
 * @param matrix the weight
 * @param rowFrom first output feature
 * @param rowTo end of the output features
 * @param columnFrom first input feature
 * @param columnTo end of the input features
 * @param panels how many
 * @param live lanes of the last panel that hold a token; beyond, out may be left as it was
 */
public record PanelJob(
    Matrix matrix,
    int rowFrom,
    int rowTo,
    int columnFrom,
    int columnTo,
    float[] x,
    int xAt,
    int xPanel,
    int panels,
    int live,
    float[] out,
    int outAt,
    int outPanel) {
  int rows() {
    return rowTo - rowFrom;
  }
}
