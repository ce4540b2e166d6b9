package dev.graft.page;

/**
 * How finely a page draws each run, so that it stays a few megabytes however many there are.
 *
 * @param curvePoints most points of a curve
 * @param heatCells most cells of a run's layer × step maps, all measures together
 * @param loadCells most cells of a run's layer × expert × step map
 */
record Detail(int curvePoints, int heatCells, int loadCells) {
  private static final int MEASURES = 5;

  static Detail of(int runs) {
    return new Detail(
        Math.clamp(9_000 / runs, 200, 1000),
        Math.clamp(150_000 / runs, 3000, 60_000),
        Math.clamp(60_000 / runs, 1500, 24_000));
  }

  int heatColumns(int layers) {
    return Math.clamp(heatCells / ((long) MEASURES * layers), 12, 240);
  }

  int loadColumns(int layers, int experts) {
    return Math.clamp(loadCells / ((long) layers * experts), 6, 120);
  }
}
