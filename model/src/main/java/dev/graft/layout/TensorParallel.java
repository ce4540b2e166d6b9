package dev.graft.layout;

import dev.graft.checkpoint.InvalidInputException;
import dev.graft.checkpoint.ModelSpec;
import dev.graft.checkpoint.TensorNames;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * A model dealt out to ranks that need not be equal (Megatron-LM, arXiv 1909.08053, generalised to
 * uneven slices): attention by whole query heads, the FFN and each expert by columns, the embedding
 * and the output head by rows. Nothing is padded: every head, column and row belongs to exactly one
 * rank, but for key/value heads, which two ranks hold where a group is cut. Norms and the router
 * are held by all.
 *
 * <p>A rank's attention and FFN outputs are partial sums over the hidden width; two sums over all
 * ranks per layer complete them. The biases of o_proj and down_proj are held by all and added once.
 */
public final class TensorParallel {
  /** Columns of a quantised block and of the widest vector registers, which are best not cut. */
  private static final int BLOCK = 32;

  private final ModelSpec spec;
  private final Shares shares;
  private final List<RankSlice> slices;

  private TensorParallel(ModelSpec spec, Shares shares, List<RankSlice> slices) {
    this.spec = spec;
    this.shares = shares;
    this.slices = slices;
  }

  /**
   * Deals out a model, its FFN columns at multiples of 32 so that neither q8 blocks nor vectors are
   * cut; anywhere, if a rank would have none that way.
   *
   * @throws InvalidInputException if there are more ranks than query heads
   */
  public static TensorParallel of(ModelSpec spec, Shares shares) {
    List<Range> blocks = shares.split(Math.ceilDiv(spec.intermediateSize(), BLOCK), 0);
    return of(spec, shares, blocks.stream().anyMatch(Range::isEmpty) ? 1 : BLOCK);
  }

  /**
   * Deals out a model.
   *
   * @param columnGranularity FFN columns are cut at multiples of it: 1, or the width of a quantised
   *     block that is not to be cut (32 for q8)
   * @throws InvalidInputException if there are more ranks than query heads
   */
  public static TensorParallel of(ModelSpec spec, Shares shares, int columnGranularity) {
    int ranks = shares.ranks();
    int heads = spec.numAttentionHeads();
    if (ranks > heads) {
      throw new InvalidInputException(
          "--tp "
              + ranks
              + " is more ranks than the "
              + heads
              + " query heads (num_attention_heads); use at most --tp "
              + heads);
    }
    List<Range> byHead = shares.split(heads, 1);
    int ffn = spec.intermediateSize();
    List<Range> byBlock = shares.split(Math.ceilDiv(ffn, columnGranularity), 0);
    List<Range> byRow = shares.split(spec.vocabSize(), 0);
    int group = heads / spec.numKeyValueHeads();
    List<RankSlice> slices = new ArrayList<>();
    for (int r = 0; r < ranks; r++) {
      Range h = byHead.get(r);
      Range b = byBlock.get(r);
      slices.add(
          new RankSlice(
              r,
              h,
              new Range(h.from() / group, Math.ceilDiv(h.to(), group)),
              new Range(
                  Math.min(b.from() * columnGranularity, ffn),
                  Math.min(b.to() * columnGranularity, ffn)),
              byRow.get(r)));
    }
    return new TensorParallel(spec, shares, List.copyOf(slices));
  }

  /** The model. */
  public ModelSpec spec() {
    return spec;
  }

  /** How strong each rank is. */
  public Shares shares() {
    return shares;
  }

  /** How many ranks there are. */
  public int ranks() {
    return slices.size();
  }

  /** What a rank holds. */
  public RankSlice slice(int rank) {
    return slices.get(rank);
  }

  /** What every rank holds, in rank order. */
  public List<RankSlice> slices() {
    return slices;
  }

  /** The part of every tensor of the model that a rank holds, in the order of the layers. */
  public List<TensorSlice> tensors(int rank) {
    List<TensorSlice> parts = new ArrayList<>();
    for (Map.Entry<String, List<Long>> entry : TensorNames.of(spec).entrySet()) {
      List<Long> shape = entry.getValue();
      int rows = shape.size() == 1 ? 1 : Math.toIntExact(shape.getFirst());
      parts.add(tensor(rank, entry.getKey(), rows, Math.toIntExact(shape.getLast())));
    }
    return parts;
  }

  /**
   * The part of a tensor that a rank holds.
   *
   * @param rows of the whole tensor; 1 for a vector
   * @param columns of the whole tensor
   */
  public TensorSlice tensor(int rank, String name, int rows, int columns) {
    RankSlice slice = slice(rank);
    String[] parts = name.split("\\.", -1);
    boolean bias = name.endsWith(".bias");
    Range outputs =
        switch (parts[parts.length - 2]) {
          case "q_proj" -> slice.heads().times(spec.headDim());
          case "k_proj", "v_proj" -> slice.keyValueHeads().times(spec.headDim());
          case "gate_proj", "up_proj", "w1", "w3" -> slice.columns();
          case "embed_tokens", "lm_head" -> slice.vocabulary();
          default -> Range.below(bias ? columns : rows);
        };
    Range inputs =
        switch (parts[parts.length - 2]) {
          case "o_proj" -> slice.heads().times(spec.headDim());
          case "down_proj", "w2" -> slice.columns();
          default -> Range.below(columns);
        };
    return bias
        ? new TensorSlice(name, Range.below(1), outputs)
        : new TensorSlice(name, outputs, inputs);
  }
}
