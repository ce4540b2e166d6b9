package dev.graft.routing;

/** How the coefficient of the auxiliary loss is chosen: the recipe's {@code balance}. */
public sealed interface Balance {
  /** α of every layer before the first step. */
  double initial();

  /**
   * α of a layer after a step.
   *
   * @param alpha α used in the step
   * @param dropRate d measured in it
   */
  double next(double alpha, double dropRate);

  /**
   * Follows the drop rate (arXiv 2406.06563, section 4.2): α ← β α + (1 − β) min(ξ d, α_max).
   *
   * @param xi ξ, 1/5 in the report
   * @param alphaMax α_max, 0.01 in the report
   * @param beta β, 0.99 in the report
   * @param initial α_0
   */
  record Adaptive(double xi, double alphaMax, double beta, double initial) implements Balance {
    @Override
    public double next(double alpha, double dropRate) {
      return beta * alpha + (1 - beta) * Math.min(xi * dropRate, alphaMax);
    }
  }

  /** The same α throughout. */
  record Fixed(double alpha) implements Balance {
    @Override
    public double initial() {
      return alpha;
    }

    @Override
    public double next(double unused, double dropRate) {
      return alpha;
    }
  }

  /** No auxiliary loss. */
  record None() implements Balance {
    @Override
    public double initial() {
      return 0;
    }

    @Override
    public double next(double alpha, double dropRate) {
      return 0;
    }
  }
}
