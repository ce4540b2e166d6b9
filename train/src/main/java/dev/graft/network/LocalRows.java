package dev.graft.network;

import dev.graft.routing.Dispatch;
import java.util.List;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/** Experts and tokens in one place: rows are all assignments, the dropped ones left out of work. */
record LocalRows(Dispatch dispatch, long choices) implements ExpertRows {
  @Override
  public long rows() {
    return dispatch.tokens().size(0);
  }

  @Override
  public long start(int expert) {
    return dispatch.start()[expert];
  }

  @Override
  public long kept(int expert) {
    return dispatch.kept()[expert];
  }

  @Override
  public Tensor toExperts(Tensor tokens) {
    return tokens.index_select(0, dispatch.tokens());
  }

  @Override
  public boolean travel() {
    return false;
  }

  @Override
  public Tensor toTokens(Tensor rows, Runnable meanwhile) {
    meanwhile.run();
    for (int e = 0; e < dispatch.count().length; e++) {
      long dropped = dispatch.count()[e] - dispatch.kept()[e];
      if (dropped > 0) {
        rows.narrow(0, dispatch.start()[e] + dispatch.kept()[e], dropped).zero_();
      }
    }
    return sum(rows);
  }

  /** Each token's k rows summed. */
  Tensor sum(Tensor rows) {
    long tokens = rows() / choices;
    if (choices == 1 || tokens == 0) {
      return rows.index_select(0, dispatch.inverse());
    }
    // One gather and sum per token, in parallel, without the [k, T, H] copy between them.
    Tensor index = dispatch.inverse().view(choices, tokens).t().contiguous();
    Tensor offsets =
        torch
            .arange(new Scalar(tokens))
            .to(rows.device(), ScalarType.Long)
            .mul_(new Scalar(choices));
    return torch
        .embedding_bag(rows, index.view(-1), offsets, false, 0, false, new TensorOptional(), false)
        .get0();
  }

  @Override
  public Tensor scalarsToExperts(Tensor perToken) {
    return perToken.t().contiguous().view(-1).index_select(0, dispatch.order());
  }

  @Override
  public Tensor scalarsToTokens(Tensor perRow) {
    long tokens = rows() / choices;
    return perRow.index_select(0, dispatch.inverse()).view(choices, tokens).t();
  }

  private List<Tensor> tensors() {
    return List.of(dispatch.order(), dispatch.tokens(), dispatch.inverse());
  }

  @Override
  public void retain() {
    tensors().forEach(Tensor::retainReference);
  }

  @Override
  public void release() {
    tensors().forEach(Tensor::releaseReference);
  }
}
