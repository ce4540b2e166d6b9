package dev.graft.score;

/**
 * The chance that of {@code k} programs at least one passes, estimated from {@code n ≥ k} programs
 * of which {@code c} passed: 1 − C(n − c, k) / C(n, k) (Chen et al., arXiv 2107.03374, equation 1).
 */
final class PassAtK {
  private PassAtK() {}

  static double estimate(int n, int c, int k) {
    if (k < 1 || k > n || c < 0 || c > n) {
      throw new IllegalArgumentException("pass@" + k + " of " + c + " in " + n);
    }
    // C(n − c, k) / C(n, k) as a product, which neither overflows nor cancels.
    double none = 1;
    for (int i = n - c + 1; i <= n; i++) {
      none *= 1 - (double) k / i;
    }
    return n - c < k ? 1 : 1 - none;
  }
}
