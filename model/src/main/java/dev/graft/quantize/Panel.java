package dev.graft.quantize;

/**
 * Consecutive rows of a matrix on their way from numbers to codes. {@code codes}, {@code scales}
 * and {@code readBack} are filled by a {@link PanelCoder}.
 *
 * @param rows how many
 * @param columns of the matrix
 * @param values float32, row-major
 * @param codes one byte each, row-major
 * @param scales of these rows
 * @param readBack float32, row-major: what codes and scales mean
 */
record Panel(
    int rows, int columns, float[] values, byte[] codes, float[] scales, float[] readBack) {
  static Panel of(int rows, int columns, int scales) {
    int elements = Math.multiplyExact(rows, columns);
    return new Panel(
        rows,
        columns,
        new float[elements],
        new byte[elements],
        new float[scales],
        new float[elements]);
  }
}
