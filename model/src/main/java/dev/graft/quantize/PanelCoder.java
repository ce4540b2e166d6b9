package dev.graft.quantize;

/** Makes codes and scales of a panel; holds no state, so that panels can be coded in parallel. */
sealed interface PanelCoder permits Float8Panels, Int8Panels {
  /** Whether one scale holds for all panels. */
  boolean shared();

  /** Scales that a panel of {@code rows} has. */
  int scales(int rows, int columns);

  /** Fills codes, scales and what they mean from the values. */
  void code(Panel panel);
}
