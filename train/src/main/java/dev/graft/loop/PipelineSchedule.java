package dev.graft.loop;

import java.util.ArrayList;
import java.util.List;

/**
 * In which order a stage works on the micro-batches of a step: one forward, one backward
 * (PipeDream, arXiv 1806.03377), and interleaved where a stage holds several chunks of layers
 * (Megatron-LM, arXiv 2104.04473, section 2.2).
 */
final class PipelineSchedule {
  private PipelineSchedule() {}

  /**
   * One piece of work.
   *
   * @param forward or else backward
   * @param chunk of the stage, from 0
   * @param micro micro-batch of the step, from 0
   */
  record Work(boolean forward, int chunk, int micro) {}

  /**
   * The order of a stage's work.
   *
   * @param stages of the pipeline
   * @param stage this one, from 0
   * @param chunks per stage; where more than one, {@code stages} divides {@code micros}
   */
  static List<Work> of(int stages, int stage, int chunks, int micros) {
    int total = chunks * micros;
    int ahead = chunks == 1 ? stages - stage - 1 : 2 * (stages - stage - 1) + (chunks - 1) * stages;
    int warmup = Math.min(ahead, total);
    List<Work> order = new ArrayList<>();
    for (int k = 0; k < warmup; k++) {
      order.add(at(true, k, stages, chunks));
    }
    for (int k = 0; k < total; k++) {
      if (k + warmup < total) {
        order.add(at(true, k + warmup, stages, chunks));
      }
      order.add(at(false, k, stages, chunks));
    }
    return order;
  }

  private static Work at(boolean forward, int k, int stages, int chunks) {
    if (chunks == 1) {
      return new Work(forward, 0, k);
    }
    int round = stages * chunks;
    int chunk = k % round / stages;
    int micro = k / round * stages + k % stages;
    return new Work(forward, forward ? chunk : chunks - 1 - chunk, micro);
  }
}
