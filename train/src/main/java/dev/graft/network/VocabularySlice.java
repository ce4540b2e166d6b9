package dev.graft.network;

import dev.graft.layout.Range;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;

/**
 * The rows of embedding and head that one rank of a tensor-parallel group holds.
 *
 * @param rows at least one
 */
record VocabularySlice(Range rows) {
  /** Row numbers here of tokens; some row for those of other ranks. */
  Tensor local(Tensor ids) {
    return ids.sub(new Scalar((double) rows.from()))
        .clamp_min(new Scalar(0.0))
        .clamp_max(new Scalar(rows.length() - 1.0))
        .to(ids.scalar_type());
  }

  /** 1 where a token's row is here, else 0, in the type of {@code like}. */
  Tensor held(Tensor ids, Tensor like) {
    return ids.ge(new Scalar((double) rows.from()))
        .logical_and(ids.lt(new Scalar((double) rows.to())))
        .to(like.scalar_type());
  }
}
