/**
 * Routing and balance of a Mixture-of-Experts layer (Skywork-MoE report, arXiv 2406.06563, section
 * 4): the gate, the capacity and who is dropped, the auxiliary loss and its adaptive coefficient.
 * It knows nothing of processes.
 */
package dev.graft.routing;
