package dev.graft.layout;

/** How the weights of a model that is not there yet would be stored. */
public enum WeightScheme {
  /** Projections as E4M3 with one scale per tensor, the rest as bfloat16. */
  FP8,
  /** Projections as int8 in blocks of 32, the rest as bfloat16. */
  Q8,
  BF16,
  F16,
  F32;

  /**
   * Whether a tensor is stored as quantised codes: the projections of attention, FFN and experts,
   * but neither the router nor what turns tokens into vectors and back.
   */
  boolean quantizes(String name) {
    return (this == FP8 || this == Q8)
        && name.matches(".*(\\.(q|k|v|o|gate|up|down)_proj|\\.experts\\.\\d+\\.w[123])\\.weight");
  }

  /** How the tensors that it does not quantise are stored. */
  WeightScheme rest() {
    return this == FP8 || this == Q8 ? BF16 : this;
  }
}
