package dev.graft.network;

import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/** Matrix products outside autograd, straight into memory that is there already. */
record Product(Precision precision) {
  /** The operand in the compute precision. */
  Tensor operand(Tensor x) {
    return precision.casts() ? x.to(precision.compute()) : x;
  }

  /** out = a b, of operands in the compute precision. */
  void into(Tensor out, Tensor a, Tensor b) {
    if (precision.casts()) {
      out.copy_(torch.mm(a, b));
    } else {
      torch.mm_out(out, a, b);
    }
  }

  /** out = a b where {@code fresh}, else out += a b. */
  void accumulate(Tensor out, Tensor a, Tensor b, boolean fresh) {
    if (fresh) {
      into(out, a, b);
    } else if (precision.casts()) {
      out.add_(torch.mm(a, b));
    } else {
      Scalar one = new Scalar(1.0);
      torch.addmm_out(out, out, a, b, one, one);
    }
  }
}
