package dev.graft.checkpoint;

/**
 * Rotary position embedding.
 *
 * @param theta {@code rope_theta}
 * @param scaling how frequencies are stretched for longer contexts
 */
public record RopeSpec(double theta, RopeScaling scaling) {
  /**
   * Radians per position of each pair of dimensions, [headDim / 2].
   *
   * @param headDim width of a head, even
   */
  public double[] inverseFrequencies(int headDim) {
    double[] frequencies = new double[headDim / 2];
    for (int i = 0; i < frequencies.length; i++) {
      double plain = Math.pow(theta, -2.0 * i / headDim);
      frequencies[i] =
          switch (scaling) {
            case RopeScaling.None() -> plain;
            case RopeScaling.Linear(double factor) -> plain / factor;
            case RopeScaling.Llama3 llama3 -> llama3(plain, llama3);
            case RopeScaling.Yarn yarn -> yarn(plain, i, headDim, yarn);
          };
    }
    return frequencies;
  }

  /** What cos and sin are multiplied by: 1 but for YaRN. */
  public double attentionFactor() {
    return scaling instanceof RopeScaling.Yarn yarn ? yarn.attentionFactor() : 1;
  }

  private static double llama3(double plain, RopeScaling.Llama3 s) {
    double wavelength = 2 * Math.PI / plain;
    double context = s.originalMaxPositionEmbeddings();
    if (wavelength > context / s.lowFreqFactor()) {
      return plain / s.factor();
    }
    if (wavelength < context / s.highFreqFactor()) {
      return plain;
    }
    double smooth =
        (context / wavelength - s.lowFreqFactor()) / (s.highFreqFactor() - s.lowFreqFactor());
    return (1 - smooth) * plain / s.factor() + smooth * plain;
  }

  /** arXiv 2309.00071, section 3.2: interpolate slow dimensions, keep fast ones, a ramp between. */
  private double yarn(double plain, int pair, int headDim, RopeScaling.Yarn s) {
    double low = rotationsToPair(s.betaFast(), headDim, s.originalMaxPositionEmbeddings());
    double high = rotationsToPair(s.betaSlow(), headDim, s.originalMaxPositionEmbeddings());
    if (s.truncate()) {
      low = Math.floor(low);
      high = Math.ceil(high);
    }
    low = Math.max(low, 0);
    high = Math.min(high, headDim - 1);
    double width = high == low ? 0.001 : high - low;
    double interpolated = Math.clamp((pair - low) / width, 0, 1);
    return plain / s.factor() * interpolated + plain * (1 - interpolated);
  }

  /** The pair of dimensions that turns so often over the original context. */
  private double rotationsToPair(double rotations, int headDim, int context) {
    return headDim * Math.log(context / (rotations * 2 * Math.PI)) / (2 * Math.log(theta));
  }
}
