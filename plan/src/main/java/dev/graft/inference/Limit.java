package dev.graft.inference;

import java.util.Locale;

/** What a second of serving is spent on. */
public enum Limit {
  /** Reading weights. */
  WEIGHTS,
  /** Reading keys and values. */
  CACHE,
  /** Arithmetic. */
  ARITHMETIC,
  /** Sums over ranks: bytes. */
  NETWORK,
  /** Sums over ranks and kernels: how often, not how much. */
  LATENCY;

  /** {@code weights}. */
  public String words() {
    return name().toLowerCase(Locale.ROOT);
  }
}
