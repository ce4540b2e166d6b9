package dev.graft.cost;

import dev.graft.checkpoint.InvalidInputException;
import dev.graft.cluster.ComputeType;

/**
 * What a run trains with, whatever the mesh.
 *
 * @param sequence tokens of a sequence
 * @param globalBatch sequences of a step
 * @param type in which matrices are multiplied
 * @param optimizerBytes a parameter: 12 for AdamW with an f32 copy of the weights
 * @param gradientBytes a parameter: 4 where gradients are summed in f32
 * @param zero 0: nothing sharded over DP; 1: the optimiser; 2: gradients too; 3: weights too
 * @param capacity slots of an expert as a multiple of a fair share; 0: no token is dropped
 * @param imbalance tokens of the fullest expert-parallel rank as a multiple of a fair share, at
 *     least 1; a capacity bounds it
 */
public record Job(
    int sequence,
    int globalBatch,
    ComputeType type,
    int optimizerBytes,
    int gradientBytes,
    int zero,
    double capacity,
    double imbalance) {
  /** Refuses what is no job. */
  public Job {
    if (sequence < 1 || globalBatch < 1 || zero < 0 || zero > 3) {
      throw new InvalidInputException(
          "A job of sequence %d, global batch %d and ZeRO %d cannot be run; give sizes from 1 on and a stage from 0 to 3"
              .formatted(sequence, globalBatch, zero));
    }
    if (!(imbalance >= 1) || !(capacity >= 0) || Double.isInfinite(imbalance)) {
      throw new InvalidInputException(
          "An imbalance of %s and a capacity of %s cannot be; the first is at least 1, the second at least 0 (0: no token is dropped)"
              .formatted(imbalance, capacity));
    }
  }

  /** AdamW with f32 master weights and gradients, ZeRO-1, balanced experts without drops. */
  public static Job adamW(int sequence, int globalBatch, ComputeType type) {
    return new Job(sequence, globalBatch, type, 12, 4, 1, 0, 1);
  }

  /** The tokens of a step. */
  public double tokens() {
    return (double) sequence * globalBatch;
  }

  /** Tokens that the fullest rank's experts compute, as a multiple of a fair share. */
  public double load() {
    return capacity > 0 ? Math.min(capacity, imbalance) : imbalance;
  }
}
