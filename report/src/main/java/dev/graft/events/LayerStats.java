package dev.graft.events;

import java.util.List;

/**
 * What one MoE layer did during one step (arXiv 2406.06563, section 4).
 *
 * @param layer index of the decoder layer
 * @param dropRate d: dropped assignments / (k · T)
 * @param alpha coefficient of the auxiliary loss in this step
 * @param auxLoss L_aux, eq. 4, before α
 * @param max1OverMax2 mean ratio of the largest to the second largest gate probability
 * @param max2OverMax3 mean ratio of the second to the third; 0 where there are only two experts
 * @param entropy mean entropy of the gate in nats
 * @param load share of the k · T assignments each expert was chosen for; sums to 1
 */
public record LayerStats(
    int layer,
    double dropRate,
    double alpha,
    double auxLoss,
    double max1OverMax2,
    double max2OverMax3,
    double entropy,
    List<Double> load) {}
