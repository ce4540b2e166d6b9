package dev.graft.inference;

import dev.graft.checkpoint.InvalidInputException;
import dev.graft.cluster.Cluster;
import dev.graft.cluster.Device;
import dev.graft.cost.TransformerShape;
import dev.graft.layout.Shares;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.ToDoubleFunction;
import java.util.stream.IntStream;

/**
 * How a model is served on a cluster.
 *
 * @param dealtBy what the shares are in proportion to, for people
 * @param model dealt out
 * @param shape of the model
 * @param prompt tokens of a prompt
 * @param output tokens generated after it
 * @param points over batch sizes
 * @param largestBatch sequences of full length that the cache has room for
 */
public record InferencePlan(
    String dealtBy,
    InferenceModel model,
    TransformerShape shape,
    int prompt,
    int output,
    List<ServingPoint> points,
    int largestBatch) {
  private static final int LARGEST = 4096;
  private static final int SHARE_SCALE = 1000;

  /** Keeps its own list. */
  public InferencePlan {
    points = List.copyOf(points);
  }

  /**
   * Plans.
   *
   * @param shares how strong each device is; empty: of equal shares, shares by bandwidth and shares
   *     by memory the ones that fit and serve the most tokens
   * @param batches to look at; empty: powers of two up to the first that does not fit, and the
   *     largest that does
   * @throws InvalidInputException if the model cannot be dealt out
   */
  public static InferencePlan of(
      TransformerShape shape,
      Cluster cluster,
      Serving serving,
      Optional<Shares> shares,
      int prompt,
      int output,
      List<Integer> batches) {
    if (prompt < 1 || output < 1 || batches.stream().anyMatch(batch -> batch < 1)) {
      throw new InvalidInputException("--prompt, --output and --batch must be at least 1");
    }
    Map<String, Shares> ways = new LinkedHashMap<>();
    if (shares.isPresent()) {
      ways.put("as given", shares.get());
    } else {
      ways.put("equal", Shares.equal(cluster.size()));
      if (!cluster.isUniform()) {
        ways.put("memory bandwidth", inProportion(cluster, Device::memoryBandwidth));
        ways.put("memory", inProportion(cluster, Device::memory));
      }
    }
    Optional<InferencePlan> best = Optional.empty();
    for (Map.Entry<String, Shares> way : ways.entrySet()) {
      InferenceModel model = InferenceModel.of(shape, cluster, serving, way.getValue());
      InferencePlan plan = of(way.getKey(), model, shape, prompt, output, batches);
      if (best.isEmpty() || plan.isBetterThan(best.get())) {
        best = Optional.of(plan);
      }
    }
    return best.orElseThrow();
  }

  private static InferencePlan of(
      String dealtBy,
      InferenceModel model,
      TransformerShape shape,
      int prompt,
      int output,
      List<Integer> batches) {
    int largest = (int) Math.max(0, Math.min(LARGEST, model.cacheTokens() / (prompt + output)));
    List<ServingPoint> points = new ArrayList<>();
    for (int batch : batches.isEmpty() ? powers(largest) : batches) {
      points.add(
          ServingPoint.of(
              model, batch, prompt, output, shape.experts().count(), shape.experts().topK()));
    }
    return new InferencePlan(dealtBy, model, shape, prompt, output, points, largest);
  }

  private static List<Integer> powers(int largest) {
    List<Integer> batches = new ArrayList<>();
    int batch = 1;
    for (; batch <= largest; batch *= 2) {
      batches.add(batch);
    }
    if (largest > 0 && largest != batch / 2) {
      batches.add(largest);
    }
    batches.add(batch);
    return batches;
  }

  private boolean isBetterThan(InferencePlan other) {
    if (model.fits() != other.model.fits()) {
      return model.fits();
    }
    return best() > other.best();
  }

  /** The most generated tokens/s of a batch that fits. */
  private double best() {
    return points.stream()
        .filter(ServingPoint::fits)
        .mapToDouble(ServingPoint::outputTokensPerSecond)
        .max()
        .orElse(0);
  }

  /**
   * The least batch at which so many tokens are decoded a second, whether or not it fits; empty if
   * none up to {@value #LARGEST} does.
   */
  public Optional<ServingPoint> reaching(double tokensPerSecond) {
    return IntStream.rangeClosed(1, LARGEST)
        .mapToObj(batch ->
            ServingPoint.of(
                model, batch, prompt, output, shape.experts().count(), shape.experts().topK()))
        .filter(point -> point.decodeTokensPerSecond() >= tokensPerSecond)
        .findFirst();
  }

  private static Shares inProportion(Cluster cluster, ToDoubleFunction<Device> strength) {
    double most =
        IntStream.range(0, cluster.size())
            .mapToDouble(r -> strength.applyAsDouble(cluster.device(r)))
            .max()
            .orElseThrow();
    return new Shares(
        IntStream.range(0, cluster.size())
            .map(r ->
                (int)
                    Math.max(
                        1,
                        Math.round(SHARE_SCALE * strength.applyAsDouble(cluster.device(r)) / most)))
            .boxed()
            .toList());
  }
}
