/**
 * Dense to MoE: every expert starts as a copy of the dense FFN, the gate is fresh (sparse
 * upcycling, arXiv 2212.05055; Skywork-MoE report, arXiv 2406.06563, section 3). Since the weights
 * of the chosen experts sum to 1, the new model computes the dense one's function.
 */
package dev.graft.upcycle;
