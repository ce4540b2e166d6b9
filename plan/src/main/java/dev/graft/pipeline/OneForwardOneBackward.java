package dev.graft.pipeline;

import dev.graft.checkpoint.InvalidInputException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The 1F1B schedule (Narayanan et al., arXiv 2104.04473, section 2.2.1), simulated pass by pass, so
 * that stages may differ. Stage s of p runs min(p − s − 1, m) forward passes, then forward and
 * backward in turn, then the backward passes that are left.
 *
 * @param passes every pass, each stage's in the order in which it runs them
 * @param seconds from the first pass's start to the last one's end
 * @param stages p
 */
public record OneForwardOneBackward(List<Pass> passes, double seconds, int stages) {
  /** Keeps its own list. */
  public OneForwardOneBackward {
    passes = List.copyOf(passes);
  }

  /**
   * Simulates one step.
   *
   * @param times of each stage, first to last
   * @param microBatches m, at least 1
   * @param transfer seconds from the end of a pass until the neighbouring stage has its result
   */
  public static OneForwardOneBackward simulate(
      List<StageTime> times, int microBatches, double transfer) {
    int stages = times.size();
    if (stages == 0 || microBatches < 1 || !(transfer >= 0)) {
      throw new InvalidInputException(
          "A pipeline of %d stages, %d micro-batches and %s s a transfer cannot run; give at least one stage, one micro-batch and no negative time."
              .formatted(stages, microBatches, transfer));
    }
    double[][] forwardEnd = unknown(stages, microBatches);
    double[][] backwardEnd = unknown(stages, microBatches);
    int[] next = new int[stages];
    double[] free = new double[stages];
    List<Pass> passes = new ArrayList<>();
    while (passes.size() < 2 * stages * microBatches) {
      for (int stage = 0; stage < stages; stage++) {
        while (next[stage] < 2 * microBatches) {
          int warmUp = Math.min(stages - stage - 1, microBatches);
          boolean isForward = isForward(next[stage], warmUp, microBatches);
          int batch = microBatchOf(next[stage], warmUp, microBatches);
          double ready = 0;
          if (isForward && stage > 0) {
            ready = forwardEnd[stage - 1][batch] + transfer;
          } else if (!isForward && stage < stages - 1) {
            ready = backwardEnd[stage + 1][batch] + transfer;
          }
          if (Double.isNaN(ready)) {
            break;
          }
          double start = Math.max(free[stage], ready);
          StageTime time = times.get(stage);
          double end = start + (isForward ? time.forward() : time.backward());
          (isForward ? forwardEnd : backwardEnd)[stage][batch] = end;
          passes.add(new Pass(stage, batch, isForward, start, end));
          free[stage] = end;
          next[stage]++;
        }
      }
    }
    return new OneForwardOneBackward(passes, Arrays.stream(free).max().orElseThrow(), stages);
  }

  /** The share of all stages' time in which they wait, from 0 to 1. */
  public double bubble() {
    double busy = passes.stream().mapToDouble(pass -> pass.end() - pass.start()).sum();
    return seconds == 0 ? 0 : 1 - busy / (seconds * stages);
  }

  /** The most micro-batches whose activations a stage keeps at once: min(p − s, m). */
  public static int alive(int stage, int stages, int microBatches) {
    return Math.min(stages - stage, microBatches);
  }

  private static boolean isForward(int step, int warmUp, int microBatches) {
    if (step < warmUp) {
      return true;
    }
    return step < 2 * microBatches - warmUp && (step - warmUp) % 2 == 0;
  }

  private static int microBatchOf(int step, int warmUp, int microBatches) {
    if (step < warmUp) {
      return step;
    }
    if (step >= 2 * microBatches - warmUp) {
      return step - microBatches;
    }
    int turn = (step - warmUp) / 2;
    return (step - warmUp) % 2 == 0 ? warmUp + turn : turn;
  }

  private static double[][] unknown(int stages, int microBatches) {
    double[][] ends = new double[stages][microBatches];
    for (double[] row : ends) {
      Arrays.fill(row, Double.NaN);
    }
    return ends;
  }
}
