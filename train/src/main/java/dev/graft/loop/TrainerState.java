package dev.graft.loop;

import java.util.List;

/**
 * What a checkpoint holds beside weights and moments; with the recipe it decides every later step.
 * Nothing else is random: data order is a function of seed and position, and fresh weights of the
 * seed.
 *
 * @param version of this record
 * @param step steps done
 * @param tokens trained on
 * @param position sequences taken from the data
 * @param alpha α of each MoE layer for the next step
 * @param seed of the run
 */
record TrainerState(
    int version, int step, long tokens, long position, List<Double> alpha, long seed) {
  static final int VERSION = 1;
}
