package dev.graft.loop;

/**
 * The learning rate of each step: linear warm-up, then a decay.
 *
 * @param kind the decay
 * @param lr peak
 * @param minLr end of the decay
 * @param warmupSteps steps from 0 to {@code lr}
 * @param steps of the whole run
 * @param wsdDecayFraction share of the steps over which {@link Kind#WSD} decays
 */
public record Schedule(
    Kind kind, double lr, double minLr, int warmupSteps, int steps, double wsdDecayFraction) {
  /** The shape after warm-up. */
  public enum Kind {
    /** Half a cosine from lr to min_lr. */
    COSINE,
    /** A line from lr to min_lr. */
    LINEAR,
    /** Warm-up, stable, decay (arXiv 2404.06395): lr, then a line to min_lr at the end. */
    WSD,
    /** lr throughout. */
    CONSTANT
  }

  static Schedule of(Recipe recipe) {
    Recipe.Optimizer o = recipe.optimizer();
    return new Schedule(
        o.schedule(), o.lr(), o.minLr(), o.warmupSteps(), recipe.steps(), o.wsdDecayFraction());
  }

  /**
   * The learning rate.
   *
   * @param step from 1
   */
  public double at(int step) {
    if (step <= warmupSteps) {
      return lr * step / warmupSteps;
    }
    double done =
        steps <= warmupSteps
            ? 1
            : Math.min(1, (step - warmupSteps) / (double) (steps - warmupSteps));
    return switch (kind) {
      case COSINE -> minLr + (lr - minLr) * 0.5 * (1 + Math.cos(Math.PI * done));
      case LINEAR -> lr + (minLr - lr) * done;
      case WSD -> {
        double decaySteps = Math.max(1, wsdDecayFraction * steps);
        double left = Math.min(1, (steps - step) / decaySteps);
        yield minLr + (lr - minLr) * left;
      }
      case CONSTANT -> lr;
    };
  }
}
