package dev.graft.decoder;

import dev.graft.cache.KeyValuePages;
import dev.graft.checkpoint.Checkpoint;
import dev.graft.checkpoint.InvalidInputException;
import dev.graft.checkpoint.ModelSpec;
import dev.graft.layout.Collective;
import dev.graft.layout.PeerLostException;
import dev.graft.layout.Shares;
import dev.graft.layout.TensorParallel;
import dev.graft.layout.ThreadCollective;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * A model dealt out to ranks that are threads of this process. The weights are placed once, where
 * they are mapped; each rank reads its slices of them and keeps the keys and values of its heads.
 */
public final class TensorParallelForward implements Forward {
  /** Far above any step of one rank: only a rank that is stuck takes so long. */
  private static final Duration TIMEOUT = Duration.ofMinutes(10);

  private final ModelSpec spec;
  private final int pageCount;
  private final RotaryTable rotary;
  private final List<LocalRank> ranks;
  private final List<ExecutorService> threads;

  /**
   * Places a model.
   *
   * @param checkpoint stays open as long as this is used
   * @param shares how strong each rank is; the threads of the options are dealt out likewise, at
   *     least one to each rank
   * @throws InvalidInputException if there are more ranks than query heads, or a weight cannot be
   *     used
   */
  public TensorParallelForward(Checkpoint checkpoint, DecoderOptions options, Shares shares) {
    spec = checkpoint.spec();
    pageCount = options.pages();
    rotary = new RotaryTable(spec);
    TensorParallel layout = TensorParallel.of(spec, shares);
    DecoderWeights weights = DecoderWeights.of(checkpoint, options.kernels());
    int n = shares.ranks();
    ranks = new ArrayList<>();
    threads = new ArrayList<>();
    for (Collective collective : ThreadCollective.group(n, TIMEOUT)) {
      int r = collective.rank();
      int own = options.threads() < n ? 1 : shares.split(options.threads(), 1).get(r).length();
      ranks.add(new LocalRank(layout, collective, weights, rotary, options, own));
      if (r > 0) {
        threads.add(
            Executors.newSingleThreadExecutor(
                Thread.ofPlatform().daemon().name("graft-rank-" + r).factory()));
      }
    }
  }

  @Override
  public ModelSpec spec() {
    return spec;
  }

  @Override
  public int pageSize() {
    return KeyValuePages.SIZE;
  }

  @Override
  public int pageCount() {
    return pageCount;
  }

  /**
   * Computes a step on all ranks.
   *
   * @throws PeerLostException if a rank failed in an earlier step
   */
  @Override
  public float[][] step(List<Chunk> chunks, ScoredRows scored) {
    StepCheck.require(spec, pageCount, chunks);
    rotary.reach(StepCheck.end(chunks));
    List<Future<float[][]>> others = new ArrayList<>();
    for (int r = 1; r < ranks.size(); r++) {
      LocalRank rank = ranks.get(r);
      others.add(threads.get(r - 1).submit(() -> rank.step(chunks, ScoredRows.NONE)));
    }
    List<Throwable> failures = new ArrayList<>();
    float[][] logits = {};
    try {
      logits = ranks.getFirst().step(chunks, scored);
    } catch (RuntimeException | Error e) {
      failures.add(e);
    }
    for (Future<float[][]> other : others) {
      try {
        other.get();
      } catch (ExecutionException e) {
        failures.add(e.getCause());
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IllegalStateException("interrupted while a rank computes", e);
      }
    }
    if (!failures.isEmpty()) {
      throw firstCause(failures);
    }
    return logits;
  }

  /** What failed, rather than what was lost because of it. */
  private static RuntimeException firstCause(List<Throwable> failures) {
    Throwable cause =
        failures.stream()
            .filter(failure -> !(failure instanceof PeerLostException))
            .findFirst()
            .orElse(failures.getFirst());
    return switch (cause) {
      case Error error -> throw error;
      case RuntimeException exception -> exception;
      default -> new IllegalStateException(cause);
    };
  }

  @Override
  public void close() {
    ranks.forEach(LocalRank::close);
    threads.forEach(ExecutorService::shutdownNow);
  }
}
