package dev.graft.page;

import java.util.function.IntToDoubleFunction;

/**
 * Thins a series: runs of {@code every} successive points become one. Means, not picks, so that a
 * thinned noisy curve stays where the noise is centred.
 *
 * @param size number of points in
 * @param every how many points become one; the last one out may stand for fewer
 */
record Buckets(int size, int every) {
  /** As few points a bucket as leaves at most {@code most} buckets. */
  static Buckets of(int size, int most) {
    return new Buckets(size, Math.max(1, Math.ceilDiv(size, Math.max(1, most))));
  }

  int count() {
    return Math.ceilDiv(size, every);
  }

  /** Index of the bucket's last point: where its mean is drawn, so that a curve ends at its end. */
  int last(int bucket) {
    return Math.min(size, (bucket + 1) * every) - 1;
  }

  double[] means(IntToDoubleFunction value) {
    double[] means = new double[count()];
    for (int b = 0; b < means.length; b++) {
      double sum = 0;
      int from = b * every;
      for (int i = from; i <= last(b); i++) {
        sum += value.applyAsDouble(i);
      }
      means[b] = sum / (last(b) - from + 1);
    }
    return means;
  }

  double[] lasts(IntToDoubleFunction value) {
    double[] lasts = new double[count()];
    for (int b = 0; b < lasts.length; b++) {
      lasts[b] = value.applyAsDouble(last(b));
    }
    return lasts;
  }
}
