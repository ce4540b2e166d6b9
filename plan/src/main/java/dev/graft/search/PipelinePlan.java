package dev.graft.search;

import java.util.List;

/**
 * Which layers go where.
 *
 * @param stages layers of each stage
 * @param recompute how many of them are recomputed
 * @param seconds Σ t_s + (m − 1) max t_s, with t_s a stage's time for one micro-batch
 */
public record PipelinePlan(List<Integer> stages, List<Integer> recompute, double seconds) {
  /** Keeps its own lists. */
  public PipelinePlan {
    stages = List.copyOf(stages);
    recompute = List.copyOf(recompute);
  }
}
