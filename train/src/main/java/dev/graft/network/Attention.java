package dev.graft.network;

import dev.graft.checkpoint.ModelSpec;
import dev.graft.layout.RankSlice;
import java.util.Optional;
import java.util.stream.IntStream;
import org.bytedeco.pytorch.DoubleOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** Causal grouped-query attention of one layer, by the heads that are held; autograd follows it. */
final class Attention {
  private final ModelSpec spec;
  private final RankSlice slice;
  private final Optional<long[]> groupOfHead;
  private final boolean addsBias;
  private final Projection projection;
  private final Norm norm;
  private final Rotary rotary;
  private final String layer;

  Attention(
      ModelSpec spec, Shard shard, Projection projection, Norm norm, Rotary rotary, int layer) {
    this.spec = spec;
    this.slice = shard.slice();
    this.groupOfHead = groupOfHead(spec, slice);
    this.addsBias = shard.tensorRank() == 0;
    this.projection = projection;
    this.norm = norm;
    this.rotary = rotary;
    this.layer = layer + ".";
  }

  /**
   * Attention and output projection: of some of the heads, their summand.
   *
   * @param x normalised input, [B, S, H]
   * @param mask what each position sees, bool [B or 1, 1, S, S]; empty means all before it
   */
  Tensor forward(Tensor x, Optional<Tensor> mask) {
    long batch = x.size(0);
    long positions = x.size(1);
    long heads = slice.heads().length();
    long groups = slice.keyValueHeads().length();
    long dim = spec.headDim();
    Tensor qkv =
        projection
            .apply(x, layer + "qkv", layer + "qkv_bias")
            .view(batch, positions, heads + 2 * groups, dim)
            .transpose(1, 2);
    Tensor value = qkv.narrow(1, heads + groups, groups);
    Tensor queryKey = qkv.narrow(1, 0, heads + groups);
    if (spec.queryKeyNorm()) {
      queryKey =
          torch.cat(
              new TensorVector(
                  norm.apply(queryKey.narrow(1, 0, heads), layer + "q_norm"),
                  norm.apply(queryKey.narrow(1, heads, groups), layer + "k_norm")),
              1);
    }
    Tensor rotated = rotary.rotate(queryKey).to(value.scalar_type());
    Tensor query = rotated.narrow(1, 0, heads);
    Tensor key = perHead(rotated.narrow(1, heads, groups), heads);
    Tensor attended =
        torch.scaled_dot_product_attention(
            query,
            key,
            perHead(value, heads),
            mask.map(TensorOptional::new).orElseGet(TensorOptional::new),
            0.0,
            mask.isEmpty(),
            new DoubleOptional(),
            false);
    Tensor joined = attended.transpose(1, 2).reshape(batch, positions, heads * dim);
    return addsBias
        ? projection.apply(joined, layer + "o", layer + "o_bias")
        : projection.apply(joined, layer + "o");
  }

  /** The key/value head held that each query head held reads; empty where they are whole groups. */
  private static Optional<long[]> groupOfHead(ModelSpec spec, RankSlice slice) {
    int group = spec.numAttentionHeads() / spec.numKeyValueHeads();
    if (slice.heads().from() % group == 0 && slice.heads().length() % group == 0) {
      return Optional.empty();
    }
    return Optional.of(
        IntStream.range(slice.heads().from(), slice.heads().to())
            .mapToLong(head -> head / group - slice.keyValueHeads().from())
            .toArray());
  }

  /** Repeats each key/value head for the query heads of its group. */
  private Tensor perHead(Tensor x, long heads) {
    long groups = x.size(1);
    if (groupOfHead.isPresent()) {
      Tensor index = Libtorch.longs(groupOfHead.get(), heads).to(x.device(), ScalarType.Long);
      return x.index_select(1, index);
    }
    if (groups == heads) {
      return x;
    }
    long repeat = heads / groups;
    return x.unsqueeze(2)
        .expand(x.size(0), groups, repeat, x.size(2), x.size(3))
        .reshape(x.size(0), heads, x.size(2), x.size(3));
  }
}
