package dev.graft.network;

import dev.graft.checkpoint.ModelSpec;
import dev.graft.routing.Dispatch;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptional;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * The experts of one layer, y_t = Σ_j w_tj FFN_e(t,j)(x_t), forwards and backwards by hand: tokens
 * are sorted by expert once, each expert's work is done while its rows are in cache, and weight
 * gradients go straight to their place. The weight w of an assignment is folded into the activation
 * before the down projection, so that its gradient is a row sum that needs no second down
 * projection.
 */
final class Experts {
  private final Parameters parameters;
  private final Product product;
  private final int layer;
  private final int numExperts;
  private final long ffn;

  /**
   * What backward needs.
   *
   * @param input sorted tokens in the compute precision, [A, H]
   * @param gateUp W1 x and W3 x, [A, 2F]
   * @param scaled w · silu(W1 x) · W3 x in the compute precision, [A, F]
   * @param weights sorted weights, [A, 1]
   */
  record Tape(Dispatch dispatch, Tensor input, Tensor gateUp, Tensor scaled, Tensor weights) {
    void retain() {
      for (Tensor t : tensors()) {
        t.retainReference();
      }
    }

    void release() {
      for (Tensor t : tensors()) {
        t.releaseReference();
      }
    }

    private Tensor[] tensors() {
      return new Tensor[] {
        dispatch.order(), dispatch.tokens(), dispatch.inverse(), input, gateUp, scaled, weights
      };
    }
  }

  /** The layer's output [T, H] and what backward needs. */
  record Output(Tensor value, Tape tape) {}

  /** Gradients of the input [T, H] and of the weights [T, k]. */
  record Gradients(Tensor input, Tensor weights) {}

  Experts(ModelSpec spec, Parameters parameters, int layer) {
    this.parameters = parameters;
    this.product = new Product(parameters.precision());
    this.layer = layer;
    this.numExperts = spec.moe().orElseThrow().numExperts();
    this.ffn = spec.intermediateSize();
  }

  /**
   * Runs outside autograd.
   *
   * @param x normalised input, [T, H]
   * @param routed weights, [T, k]
   */
  Output forward(Tensor x, Tensor routed, Dispatch dispatch) {
    ScalarType stream = parameters.precision().stream();
    ScalarType compute = parameters.precision().compute();
    long choices = routed.size(1);
    long rows = routed.numel();
    long hidden = x.size(1);
    Tensor input = product.operand(x).index_select(0, dispatch.tokens());
    Tensor weights =
        routed.t().contiguous().view(-1).index_select(0, dispatch.order()).unsqueeze(1);
    Tensor gateUp = Libtorch.empty(x, stream, rows, 2 * ffn);
    Tensor scaled = Libtorch.empty(x, compute, rows, ffn);
    Tensor sorted = Libtorch.empty(x, stream, rows, hidden);
    for (int e = 0; e < numExperts; e++) {
      long start = dispatch.start()[e];
      long kept = dispatch.kept()[e];
      if (kept > 0) {
        Tensor both = gateUp.narrow(0, start, kept);
        product.into(both, input.narrow(0, start, kept), gateUpWeight(e).t());
        Tensor activation = torch.silu(both.narrow(1, 0, ffn)).mul_(both.narrow(1, ffn, ffn));
        Tensor out = scaled.narrow(0, start, kept);
        out.copy_(activation.mul_(weights.narrow(0, start, kept)));
        product.into(sorted.narrow(0, start, kept), out, downWeight(e).t());
      }
      clear(sorted, dispatch, e);
    }
    return new Output(
        toTokens(sorted, dispatch, choices), new Tape(dispatch, input, gateUp, scaled, weights));
  }

  /**
   * Adds to the gradients of the experts' weights and returns those of the inputs.
   *
   * @param gradient of the output, [T, H]
   * @param fresh whether this is the step's first micro-batch, whose weight gradients overwrite
   */
  Gradients backward(Tape tape, Tensor gradient, boolean fresh) {
    ScalarType stream = parameters.precision().stream();
    Dispatch dispatch = tape.dispatch();
    long rows = tape.weights().size(0);
    long choices = rows / gradient.size(0);
    Tensor sortedGradient = product.operand(gradient).index_select(0, dispatch.tokens());
    Tensor inputGradient = Libtorch.empty(gradient, stream, rows, gradient.size(1));
    Tensor weightGradient = Libtorch.zeros(gradient, stream, rows);
    for (int e = 0; e < numExperts; e++) {
      if (dispatch.kept()[e] > 0) {
        backward(tape, e, sortedGradient, inputGradient, weightGradient, fresh);
      } else if (fresh) {
        clearGradient("gate_up", e);
        clearGradient("down", e);
      }
      clear(inputGradient, dispatch, e);
    }
    Tensor perChoice =
        weightGradient.index_select(0, dispatch.inverse()).view(choices, gradient.size(0));
    return new Gradients(toTokens(inputGradient, dispatch, choices), perChoice.t());
  }

  private void backward(
      Tape tape,
      int e,
      Tensor sortedGradient,
      Tensor inputGradient,
      Tensor weightGradient,
      boolean fresh) {
    long start = tape.dispatch().start()[e];
    long kept = tape.dispatch().kept()[e];
    Tensor out = sortedGradient.narrow(0, start, kept);
    Tensor both = tape.gateUp().narrow(0, start, kept);
    Tensor gate = both.narrow(1, 0, ffn);
    Tensor up = both.narrow(1, ffn, ffn);
    Tensor weight = tape.weights().narrow(0, start, kept);
    if (parameters.trainable(name("down", e))) {
      product.accumulate(
          parameters.gradient(name("down", e)),
          out.t(),
          tape.scaled().narrow(0, start, kept),
          fresh);
    }
    // d = dL/d(w a) with a = silu(gate) · up: dL/dw = Σ_F d a, dL/da = w d
    Tensor d = Libtorch.empty(out, parameters.precision().stream(), kept, ffn);
    product.into(d, out, downWeight(e));
    Tensor throughSilu = torch.silu(gate).mul_(d);
    Tensor gateUpGradient = Libtorch.empty(out, parameters.precision().stream(), kept, 2 * ffn);
    Tensor upGradient = gateUpGradient.narrow(1, ffn, ffn);
    torch.mul_out(upGradient, throughSilu, weight);
    Tensor slice = weightGradient.narrow(0, start, kept);
    slice.copy_(throughSilu.mul_(up).sum(new long[] {-1}, false, new ScalarTypeOptional()));
    gateUpGradient.narrow(1, 0, ffn).copy_(torch.silu_backward(d.mul_(up).mul_(weight), gate));
    Tensor operand = product.operand(gateUpGradient);
    if (parameters.trainable(name("gate_up", e))) {
      product.accumulate(
          parameters.gradient(name("gate_up", e)),
          operand.t(),
          tape.input().narrow(0, start, kept),
          fresh);
    }
    product.into(inputGradient.narrow(0, start, kept), operand, gateUpWeight(e));
  }

  /** Rows beyond capacity give nothing. */
  private static void clear(Tensor sorted, Dispatch dispatch, int e) {
    long dropped = dispatch.count()[e] - dispatch.kept()[e];
    if (dropped > 0) {
      sorted.narrow(0, dispatch.start()[e] + dispatch.kept()[e], dropped).zero_();
    }
  }

  /** Sums each token's k rows. */
  private static Tensor toTokens(Tensor sorted, Dispatch dispatch, long choices) {
    long tokens = sorted.size(0) / choices;
    if (choices == 1) {
      return sorted.index_select(0, dispatch.inverse());
    }
    // One gather and sum per token, in parallel, without the [k, T, H] copy between them.
    Tensor rows = dispatch.inverse().view(choices, tokens).t().contiguous();
    Tensor offsets =
        torch
            .arange(new Scalar(tokens))
            .to(sorted.device(), ScalarType.Long)
            .mul_(new Scalar(choices));
    return torch
        .embedding_bag(sorted, rows.view(-1), offsets, false, 0, false, new TensorOptional(), false)
        .get0();
  }

  private void clearGradient(String part, int e) {
    if (parameters.trainable(name(part, e))) {
      parameters.gradient(name(part, e)).zero_();
    }
  }

  private Tensor gateUpWeight(int e) {
    return product.operand(parameters.weight(name("gate_up", e)));
  }

  private Tensor downWeight(int e) {
    return product.operand(parameters.weight(name("down", e)));
  }

  private String name(String part, int e) {
    return layer + ".experts." + e + "." + part;
  }
}
