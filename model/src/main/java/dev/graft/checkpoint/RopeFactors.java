package dev.graft.checkpoint;

import dev.graft.gguf.GgmlType;
import dev.graft.gguf.GgufFile;
import dev.graft.gguf.GgufTensor;
import java.util.Optional;

/**
 * Llama 3's stretched frequencies as llama.cpp keeps them: a factor per pair of dimensions, by
 * which the plain frequency is divided.
 */
public final class RopeFactors {
  /** What float32 and a division leave. */
  private static final double TOLERANCE = 1e-4;

  private RopeFactors() {}

  /** Plain frequency by stretched one, [headDim / 2]. */
  public static float[] of(RopeSpec rope, int headDim) {
    double[] plain = new RopeSpec(rope.theta(), new RopeScaling.None()).inverseFrequencies(headDim);
    double[] stretched = rope.inverseFrequencies(headDim);
    float[] factors = new float[plain.length];
    for (int i = 0; i < plain.length; i++) {
      factors[i] = (float) (plain[i] / stretched[i]);
    }
    return factors;
  }

  /**
   * The scaling that gives a file's factors; empty if all are 1. Only the ratios of Llama 3's
   * parameters show in them, so the low factor is taken as 1, which it is in every release.
   *
   * @throws InvalidInputException if none does
   */
  static Optional<RopeScaling.Llama3> read(
      GgufFile file, GgufTensor tensor, double theta, int headDim) {
    if (tensor.elements() * 2 != headDim || tensor.type() != GgmlType.F32) {
      throw new InvalidInputException(
          file.path()
              + ": tensor "
              + tensor.name()
              + " is "
              + tensor.type()
              + " of the shape "
              + tensor.shape()
              + "; it must be F32 and have half of a head's "
              + headDim
              + " dimensions");
    }
    float[] factors = new float[Math.toIntExact(tensor.elements())];
    Decoder.toFloats(
        DType.F32,
        file.data(tensor),
        java.lang.foreign.MemorySegment.ofArray(factors),
        factors.length);
    double factor = 1;
    for (float f : factors) {
      factor = Math.max(factor, f);
    }
    if (factor == 1) {
      return Optional.empty();
    }
    RopeScaling.Llama3 released = new RopeScaling.Llama3(factor, 1, 4, 8192);
    if (gives(released, factors, theta, headDim)) {
      return Optional.of(released);
    }
    return ramp(factors, factor, theta)
        .filter(llama3 -> gives(llama3, factors, theta, headDim))
        .or(() -> {
          throw new InvalidInputException(
              file.path()
                  + ": tensor "
                  + tensor.name()
                  + " holds factors that are not Llama 3's, which alone are read");
        });
  }

  /** Between kept and divided ones the smoothing is linear in the frequency: two points say all. */
  private static Optional<RopeScaling.Llama3> ramp(float[] factors, double factor, double theta) {
    double[] plain =
        new RopeSpec(theta, new RopeScaling.None()).inverseFrequencies(2 * factors.length);
    int first = -1;
    int last = -1;
    for (int i = 0; i < factors.length; i++) {
      if (factors[i] > 1 && factors[i] < factor) {
        first = first < 0 ? i : first;
        last = i;
      }
    }
    if (first == last) {
      return Optional.empty();
    }
    double slope =
        (smooth(factors[first], factor) - smooth(factors[last], factor))
            / (turns(plain[first]) - turns(plain[last]));
    double start = smooth(factors[first], factor) - slope * turns(plain[first]);
    int context = (int) Math.round(-slope / start);
    return context < 1
        ? Optional.empty()
        : Optional.of(new RopeScaling.Llama3(factor, 1, (start - 1) / start, context));
  }

  private static double smooth(double stretched, double factor) {
    return (1 / stretched - 1 / factor) / (1 - 1 / factor);
  }

  private static double turns(double frequency) {
    return frequency / (2 * Math.PI);
  }

  private static boolean gives(
      RopeScaling.Llama3 scaling, float[] factors, double theta, int headDim) {
    float[] expected = of(new RopeSpec(theta, scaling), headDim);
    if (expected.length != factors.length) {
      return false;
    }
    for (int i = 0; i < factors.length; i++) {
      if (!(Math.abs(expected[i] - factors[i]) <= TOLERANCE * expected[i])) {
        return false;
      }
    }
    return true;
  }
}
