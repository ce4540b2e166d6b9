package dev.graft.network;

import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/** The embedding, of which each rank of a tensor-parallel group may hold some rows. */
record Embedding(Parameters parameters, VocabularySlice vocabulary) {
  /**
   * Rows of tokens.
   *
   * @param ids int64, [T]
   * @return [t, H]
   */
  Tensor forward(Tensor ids, TensorCut cut) {
    Tensor weight = parameters.weight("embed").detach();
    if (cut.ranks().size() == 1) {
      return torch.embedding(weight, ids);
    }
    Tensor rows = torch.embedding(weight, vocabulary.local(ids));
    return cut.sum(rows.mul_(vocabulary.held(ids, weight).unsqueeze(1)));
  }

  /**
   * Adds to the gradient.
   *
   * @param ids int64, [T]
   * @param gradient of the output, [t, H]
   */
  void backward(Tensor ids, Tensor gradient, TensorCut cut) {
    if (!parameters.trainable("embed")) {
      return;
    }
    Tensor all = cut.whole(gradient);
    Tensor to = parameters.gradient("embed");
    if (cut.ranks().size() == 1) {
      to.index_add_(0, ids, all);
    } else {
      Tensor held = vocabulary.held(ids, all).unsqueeze(1);
      to.index_add_(0, vocabulary.local(ids), all.mul(held));
    }
  }
}
