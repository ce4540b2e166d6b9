package dev.graft.decoder;

/**
 * Which family of kernels computes a token. The two add their products in different orders, so the
 * bits of a token's result depend on its phase, and on nothing else that runs in the same step.
 */
public enum Phase {
  /** Many tokens at once: matrix–matrix kernels, one lane per token. */
  PREFILL,
  /** One token of each of a few sequences: matrix–vector kernels that read each weight once. */
  DECODE
}
