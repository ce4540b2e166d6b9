package dev.graft.cost;

import java.util.Locale;

/** What a second of a step is spent on. */
public enum Term {
  /** Matrix products with weights. */
  GEMM,
  /** Products of experts. */
  EXPERTS,
  /** Scores, softmax and their products with values. */
  ATTENTION,
  /** Norms, residuals, activations, dropout, casts: bound by memory bandwidth. */
  ELEMENTWISE,
  /** Exchanges over TP that nothing hides. */
  TENSOR_PARALLEL,
  /** Tokens sent to their experts and back. */
  ALL_TO_ALL,
  /** Keys and values passed around for context parallelism. */
  CONTEXT_PARALLEL,
  /** Weights gathered and gradients scattered for ZeRO-3, beyond what computation hides. */
  WEIGHT_GATHER,
  /** Kernel launches and the host's own work. */
  LAUNCH,
  /** All of a part as a profile measured it. */
  MEASURED;

  /** {@code tensor parallel}. */
  public String words() {
    return name().toLowerCase(Locale.ROOT).replace('_', ' ');
  }
}
