package dev.graft.pipeline;

import dev.graft.checkpoint.InvalidInputException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * The 1F1B schedule, simulated pass by pass, so that stages may differ.
 *
 * <p>Plain (Narayanan et al., arXiv 2104.04473, section 2.2.1): stage s of p runs min(p − s − 1, m)
 * forward passes, then forward and backward in turn, then the backward passes that are left.
 *
 * <p>Interleaved (section 2.2.2): of c chunks a stage, chunk k of stage s is the model's part k · p
 * + s. A stage takes micro-batches in groups of p through its chunks, and 2 (p − s − 1) + (c − 1) p
 * forward passes come first.
 *
 * @param passes every pass, each stage's in the order in which it runs them
 * @param seconds from the first pass's start to the last one's end
 * @param stages p
 * @param busy seconds of each stage's passes
 */
public record OneForwardOneBackward(
    List<Pass> passes, double seconds, int stages, List<Double> busy) {
  /** Keeps its own lists. */
  public OneForwardOneBackward {
    passes = List.copyOf(passes);
    busy = List.copyOf(busy);
  }

  /** Simulates one step without interleaving: as many stages as times. */
  public static OneForwardOneBackward simulate(
      List<StageTime> times, int microBatches, double transfer) {
    return simulate(times, times.size(), microBatches, transfer);
  }

  /**
   * Simulates one step.
   *
   * @param times of each part of the model in its order, {@code stages × chunks} of them
   * @param stages p
   * @param microBatches m, at least 1
   * @param transfer seconds from the end of a pass until the neighbouring stage has its result
   */
  public static OneForwardOneBackward simulate(
      List<StageTime> times, int stages, int microBatches, double transfer) {
    if (stages < 1
        || microBatches < 1
        || times.isEmpty()
        || times.size() % stages != 0
        || !(transfer >= 0)) {
      throw new InvalidInputException(
          "A pipeline of %d parts on %d stages, %d micro-batches and %s s a transfer cannot run; give as many parts as stages or a multiple, one micro-batch and no negative time."
              .formatted(times.size(), stages, microBatches, transfer));
    }
    int parts = times.size();
    Order order = new Order(stages, parts / stages, microBatches);
    double[][] forwardEnd = unknown(parts, microBatches);
    double[][] backwardEnd = unknown(parts, microBatches);
    int[] next = new int[stages];
    double[] free = new double[stages];
    double[] busy = new double[stages];
    List<Pass> passes = new ArrayList<>(2 * parts * microBatches);
    while (passes.size() < 2 * parts * microBatches) {
      int before = passes.size();
      for (int stage = 0; stage < stages; stage++) {
        while (next[stage] < 2 * order.passes()) {
          boolean isForward = order.isForward(stage, next[stage]);
          int index = order.index(stage, next[stage]);
          int batch = order.microBatch(index);
          int chunk = isForward ? order.chunk(index) : order.chunks() - 1 - order.chunk(index);
          int part = chunk * stages + stage;
          double ready = 0;
          if (isForward && part > 0) {
            ready = forwardEnd[part - 1][batch] + transfer;
          } else if (!isForward && part < parts - 1) {
            ready = backwardEnd[part + 1][batch] + transfer;
          }
          if (Double.isNaN(ready)) {
            break;
          }
          double start = Math.max(free[stage], ready);
          StageTime time = times.get(part);
          double end = start + (isForward ? time.forward() : time.backward());
          (isForward ? forwardEnd : backwardEnd)[part][batch] = end;
          passes.add(new Pass(stage, chunk, batch, isForward, start, end));
          free[stage] = end;
          busy[stage] += end - start;
          next[stage]++;
        }
      }
      if (passes.size() == before) {
        throw new InvalidInputException(
            "%d micro-batches cannot be interleaved over %d stages; take a multiple of the stages, or one chunk a stage."
                .formatted(microBatches, stages));
      }
    }
    return new OneForwardOneBackward(
        passes,
        Arrays.stream(free).max().orElseThrow(),
        stages,
        Arrays.stream(busy).boxed().toList());
  }

  /** The share of all stages' time in which they wait, from 0 to 1. */
  public double bubble() {
    double sum = busy.stream().mapToDouble(Double::doubleValue).sum();
    return seconds == 0 ? 0 : 1 - sum / (seconds * stages);
  }

  /** The most micro-batches whose activations a stage keeps at once: min(p − s, m). */
  public static int alive(int stage, int stages, int microBatches) {
    return Math.min(stages - stage, microBatches);
  }

  /** The same for chunks: passes of any of a stage's chunks. */
  public static int alive(int stage, int stages, int chunks, int microBatches) {
    Order order = new Order(stages, chunks, microBatches);
    return Math.min(order.warmUp(stage) + 1, order.passes());
  }

  /** Which pass a stage runs when. */
  private record Order(int stages, int chunks, int microBatches) {
    /** Forward passes of a stage; as many go backwards. */
    int passes() {
      return chunks * microBatches;
    }

    int warmUp(int stage) {
      int ahead =
          chunks == 1
              ? stages - stage - 1
              : 2 * (stages - stage - 1) + (chunks - 1) * Math.min(stages, microBatches);
      return Math.min(ahead, passes());
    }

    boolean isForward(int stage, int step) {
      int warmUp = warmUp(stage);
      return step < warmUp || (step < 2 * passes() - warmUp && (step - warmUp) % 2 == 0);
    }

    /** Which forward, or which backward pass of the stage it is. */
    int index(int stage, int step) {
      int warmUp = warmUp(stage);
      if (step < warmUp) {
        return step;
      }
      if (step >= 2 * passes() - warmUp) {
        return step - passes();
      }
      int turn = (step - warmUp) / 2;
      return isForward(stage, step) ? warmUp + turn : turn;
    }

    private int firstOfGroup(int index) {
      return index / (Math.min(stages, microBatches) * chunks) * Math.min(stages, microBatches);
    }

    /** The last group may be short: it runs through the chunks in its own length. */
    private int length(int index) {
      return Math.min(Math.min(stages, microBatches), microBatches - firstOfGroup(index));
    }

    int chunk(int index) {
      return (index - firstOfGroup(index) * chunks) / length(index);
    }

    int microBatch(int index) {
      return firstOfGroup(index) + (index - firstOfGroup(index) * chunks) % length(index);
    }
  }

  private static double[][] unknown(int parts, int microBatches) {
    double[][] ends = new double[parts][microBatches];
    for (double[] row : ends) {
      Arrays.fill(row, Double.NaN);
    }
    return ends;
  }
}
