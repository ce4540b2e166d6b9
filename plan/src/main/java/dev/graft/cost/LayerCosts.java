package dev.graft.cost;

/**
 * What each part of a model costs a rank: computed from data sheets ({@link AnalyticCosts}), or
 * measured by a profile. The planner asks nothing else about time.
 */
public interface LayerCosts {
  /** One part, for one micro-batch, without {@link Recompute#FULL}. */
  PartCost of(Part part);

  /** Seconds from the end of a pass until the neighbouring stage has its result. */
  double sendSeconds();

  /**
   * Seconds at the end of a step that nothing hides: gradients summed over DP, the optimiser,
   * weights gathered again.
   *
   * @param trunk parameters of a rank's part of the trunk (attention, dense FFNs, embedding, head)
   * @param experts parameters of its experts
   * @param cover seconds of passes under which exchanges can travel
   */
  StepCost step(double trunk, double experts, double cover);

  /**
   * The end of a step.
   *
   * @param exchange seconds of gradients and weights that nothing hides
   * @param optimizer seconds of the update
   */
  record StepCost(double exchange, double optimizer) {
    /** Both. */
    public double seconds() {
      return exchange + optimizer;
    }
  }
}
