package dev.graft.cost;

/**
 * What share of its data sheet any device or network reaches: the constants of the cost model, the
 * same for every device. {@link #FITTED} were fitted to half of the published runs.
 *
 * @param gemm share of the peak while a matrix product's inputs are at hand
 * @param reuse FLOPs that a product does for each byte that it reads from memory, at most
 * @param tile half-efficiency size: a product of m × n × k runs at m/(m + tile) of its rate, and so
 *     for n and k
 * @param attention the rate of fused attention as a share of the peak
 * @param memory share of the memory bandwidth
 * @param network share of a link's bandwidth in collectives
 * @param launch seconds that each kernel costs beyond its work
 * @param hidden share of a TP exchange that runs under products, where software hides it
 */
public record Efficiency(
    double gemm,
    double reuse,
    double tile,
    double attention,
    double memory,
    double network,
    double launch,
    double hidden) {
  /**
   * As fitted, to two or three digits; {@code network} and {@code hidden} stand at the bounds that
   * the fit was given.
   */
  public static final Efficiency FITTED =
      new Efficiency(0.915, 715, 42, 0.53, 0.61, 0.90, 5.3e-6, 0.85);
}
