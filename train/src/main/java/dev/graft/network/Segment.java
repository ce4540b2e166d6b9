package dev.graft.network;

import java.util.List;
import org.bytedeco.pytorch.BoolOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/**
 * A piece of autograd's graph between two cuts.
 *
 * @param leaf where it begins
 * @param roots where it ends
 */
record Segment(Tensor leaf, List<Tensor> roots) {
  static Segment of(Tensor leaf, Tensor... roots) {
    return new Segment(leaf, List.of(roots));
  }

  /** Begins a segment. */
  static Tensor leaf(Tensor x, boolean taped) {
    Tensor leaf = x.detach();
    if (taped) {
      leaf.requires_grad_(true);
    }
    return leaf;
  }

  /** The gradient of the leaf, from those of the roots; weights' gradients are added up. */
  Tensor backward(Tensor... gradients) {
    torch.backward(
        new TensorVector(roots.toArray(Tensor[]::new)),
        new TensorVector(gradients),
        new BoolOptional(false),
        false,
        new TensorVector());
    // A tensor of its own: grad() points into the leaf, which the tape releases.
    return leaf.grad().detach();
  }

  void retain() {
    leaf.retainReference();
    roots.forEach(Tensor::retainReference);
  }

  void release() {
    leaf.releaseReference();
    roots.forEach(Tensor::releaseReference);
  }
}
