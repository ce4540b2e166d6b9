package dev.graft.decoder;

import dev.graft.cache.BFloat16Pages;
import dev.graft.cache.Float32Pages;
import dev.graft.cache.KeyValuePages;
import dev.graft.checkpoint.Checkpoint;
import dev.graft.checkpoint.InvalidInputException;
import dev.graft.checkpoint.ModelSpec;
import dev.graft.kernel.Workers;
import java.util.List;

/** A model of one rank: the weights stay where they are mapped, the cache is its own. */
public final class Decoder implements Forward {
  private final ModelSpec spec;
  private final KeyValuePages pages;
  private final RotaryTable rotary;
  private final Workers workers;
  private final DecoderWeights weights;
  private final RankDecoder rank;

  /**
   * Places a model; reads no weight yet but the norms.
   *
   * @param checkpoint stays open as long as this is used
   * @throws InvalidInputException if a weight cannot be used
   */
  public Decoder(Checkpoint checkpoint, DecoderOptions options) {
    spec = checkpoint.spec();
    Share share = Share.whole(spec);
    pages = pages(options, spec, share);
    rotary = new RotaryTable(spec);
    weights = DecoderWeights.of(checkpoint, options.kernels());
    workers = new Workers(options.threads());
    rank =
        new RankDecoder(
            new Rank(
                weights,
                share,
                true,
                options.kernels(),
                workers,
                pages,
                rotary,
                RankSum.ALONE,
                options.observer()));
  }

  static KeyValuePages pages(DecoderOptions options, ModelSpec spec, Share share) {
    int layers = spec.numHiddenLayers();
    int heads = share.heads().keyValueHeads();
    return switch (options.cache()) {
      case F32 ->
          new Float32Pages(options.kernels(), options.pages(), layers, heads, spec.headDim());
      case BF16 ->
          new BFloat16Pages(options.kernels(), options.pages(), layers, heads, spec.headDim());
    };
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
    return pages.count();
  }

  /** Bytes of weights that decoding one token reads. */
  public long bytesPerToken() {
    return weights.bytesPerToken();
  }

  /** Floating-point operations of one prompt token's products with weights, without the head. */
  public long flopsPerToken() {
    return weights.flopsPerToken();
  }

  /** Bytes of keys and values that one token of context takes. */
  public long cacheBytesPerToken() {
    return pages.bytesPerPage() / KeyValuePages.SIZE;
  }

  @Override
  public float[][] step(List<Chunk> chunks, ScoredRows scored) {
    StepCheck.require(spec, pages.count(), chunks);
    rotary.reach(StepCheck.end(chunks));
    StepCheck.touch(pages, chunks);
    return rank.step(chunks, scored);
  }

  @Override
  public void close() {
    workers.close();
  }
}
