package dev.graft.decoder;

import dev.graft.cache.KeyValuePages;
import dev.graft.kernel.Workers;
import dev.graft.layout.Collective;
import dev.graft.layout.TensorParallel;
import java.util.List;

/** One rank of a group, with threads and a cache of its own. Used by one thread at a time. */
final class LocalRank implements AutoCloseable {
  private final Collective collective;
  private final KeyValuePages pages;
  private final Workers workers;
  private final RankDecoder decoder;

  /**
   * Places a rank.
   *
   * @param weights of the whole model, shared by the ranks of a process
   * @param rotary shared likewise; reaches as far as a step needs before the step
   * @param threads this rank's
   */
  LocalRank(
      TensorParallel layout,
      Collective collective,
      DecoderWeights weights,
      RotaryTable rotary,
      DecoderOptions options,
      int threads) {
    this.collective = collective;
    Share share = Share.of(layout.spec(), layout.slice(collective.rank()));
    pages = Decoder.pages(options, layout.spec(), share);
    workers = new Workers(threads);
    boolean first = collective.rank() == 0;
    decoder =
        new RankDecoder(
            new Rank(
                weights,
                share,
                first,
                options.kernels(),
                workers,
                pages,
                rotary,
                (values, length) -> collective.allReduceSum(values, 0, length),
                first ? options.observer() : RoutingObserver.NONE));
  }

  /** This rank's part of a step; every rank gives out the same logits. */
  float[][] step(List<Chunk> chunks, ScoredRows scored) {
    try {
      StepCheck.touch(pages, chunks);
      return decoder.step(chunks, scored);
    } catch (RuntimeException | Error e) {
      // Harmless where the group is lost already.
      collective.abort("it failed: " + e.getMessage());
      throw e;
    }
  }

  /** Bytes of keys and values that one token of context takes on this rank. */
  long cacheBytesPerToken() {
    return pages.bytesPerPage() / KeyValuePages.SIZE;
  }

  @Override
  public void close() {
    collective.close();
    workers.close();
  }
}
