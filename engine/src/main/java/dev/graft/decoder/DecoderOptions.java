package dev.graft.decoder;

import dev.graft.kernel.KernelChoice;
import dev.graft.kernel.Kernels;

/**
 * How a model is run.
 *
 * @param threads that compute, over all ranks of this process
 * @param pages of the key/value cache
 * @param cache what the cache holds
 * @param kernels what products are computed with
 * @param observer sees the routing of every token
 */
public record DecoderOptions(
    int threads, int pages, CacheType cache, Kernels kernels, RoutingObserver observer) {
  /** Element types of the key/value cache. */
  public enum CacheType {
    F32,
    BF16
  }

  /** All cores, the best kernels, a cache of float32 with this many pages. */
  public static DecoderOptions of(int pages) {
    return new DecoderOptions(
        Runtime.getRuntime().availableProcessors(),
        pages,
        CacheType.F32,
        KernelChoice.best(),
        RoutingObserver.NONE);
  }

  /** The same with another number of threads. */
  public DecoderOptions withThreads(int count) {
    return new DecoderOptions(count, pages, cache, kernels, observer);
  }

  /** The same with another cache. */
  public DecoderOptions withCache(CacheType type) {
    return new DecoderOptions(threads, pages, type, kernels, observer);
  }

  /** The same with other kernels. */
  public DecoderOptions withKernels(Kernels other) {
    return new DecoderOptions(threads, pages, cache, other, observer);
  }

  /** The same with an observer. */
  public DecoderOptions withObserver(RoutingObserver other) {
    return new DecoderOptions(threads, pages, cache, kernels, other);
  }
}
