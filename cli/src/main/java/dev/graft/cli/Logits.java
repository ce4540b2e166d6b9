package dev.graft.cli;

import java.util.List;

/**
 * What a model gives for token ids.
 *
 * @param logits row by row: every position that was asked for, [positions · vocab]
 * @param routing of each MoE layer, none for a dense model
 * @param greedy the ids that follow, each the most likely
 */
record Logits(float[] logits, List<Routing> routing, long[] greedy) {
  /**
   * Where one layer sent the tokens.
   *
   * @param topK experts per token
   * @param experts [tokens · topK], best first
   * @param weights as experts
   */
  record Routing(int topK, int[] experts, float[] weights) {}
}
