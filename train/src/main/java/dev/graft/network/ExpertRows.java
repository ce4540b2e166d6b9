package dev.graft.network;

import org.bytedeco.pytorch.Tensor;

/**
 * The rows, one per assignment, that the experts held work on: sorted by expert, wherever their
 * tokens are. Outside autograd.
 */
sealed interface ExpertRows permits LocalRows, DispatchedRows {
  /** All rows. */
  long rows();

  /** The first row of an expert held. */
  long start(int expert);

  /** How many it works on. */
  long kept(int expert);

  /** Token rows [t, W] brought to the experts, [rows, W]. */
  Tensor toExperts(Tensor tokens);

  /**
   * Rows [rows, W] brought back and summed by token, [t, W]. Rows that no expert works on count as
   * 0 and may be overwritten.
   *
   * @param meanwhile what is done while they travel
   */
  Tensor toTokens(Tensor rows, Runnable meanwhile);

  /** Whether rows go to other ranks. */
  boolean travel();

  /** One number per token and choice, [t, k], brought to the experts, [rows]. */
  Tensor scalarsToExperts(Tensor perToken);

  /** One number per row, [rows], brought back, [t, k]; 0 where an assignment was dropped. */
  Tensor scalarsToTokens(Tensor perRow);

  void retain();

  void release();
}
