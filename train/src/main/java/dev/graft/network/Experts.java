package dev.graft.network;

import dev.graft.layout.Range;
import java.util.ArrayList;
import java.util.List;
import org.bytedeco.pytorch.ScalarTypeOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;
import org.bytedeco.pytorch.global.torch.ScalarType;

/**
 * The experts of one layer, y_t = Σ_j w_tj FFN_e(t,j)(x_t), forwards and backwards by hand: tokens
 * are sorted by expert once, each expert's work is done while its rows are in cache, and weight
 * gradients go straight to their place. The weight w of an assignment is folded into the activation
 * before the down projection, so that its gradient is a row sum that needs no second down
 * projection. Where experts are elsewhere than tokens, weight gradients are computed while the
 * gradients of the inputs travel back.
 */
final class Experts {
  private final Parameters parameters;
  private final Product product;
  private final int layer;
  private final Range held;
  private final long ffn;

  /**
   * What backward needs.
   *
   * @param input sorted tokens in the compute precision, [A, H]
   * @param gateUp W1 x and W3 x, [A, 2F]
   * @param scaled w · silu(W1 x) · W3 x in the compute precision, [A, F]
   * @param weights sorted weights, [A, 1]
   */
  record Tape(ExpertRows rows, Tensor input, Tensor gateUp, Tensor scaled, Tensor weights) {
    void retain() {
      rows.retain();
      tensors().forEach(Tensor::retainReference);
    }

    void release() {
      rows.release();
      tensors().forEach(Tensor::releaseReference);
    }

    private List<Tensor> tensors() {
      return List.of(input, gateUp, scaled, weights);
    }
  }

  /**
   * The layer's output [T, H], a summand of it where columns are split, and what backward needs.
   */
  record Output(Tensor value, Tape tape) {}

  /** Gradients of the input [T, H] and of the weights [T, k], or summands of them. */
  record Gradients(Tensor input, Tensor weights) {}

  Experts(Parameters parameters, int layer) {
    this.parameters = parameters;
    this.product = new Product(parameters.precision());
    this.layer = layer;
    this.held = parameters.shard().experts();
    this.ffn = parameters.shard().columnsOfExperts().length();
  }

  /**
   * Runs outside autograd.
   *
   * @param x normalised input, [T, H]
   * @param routed weights, [T, k]
   * @param rows who goes where
   */
  Output forward(Tensor x, Tensor routed, ExpertRows rows) {
    ScalarType stream = parameters.precision().stream();
    ScalarType compute = parameters.precision().compute();
    Tensor input = rows.toExperts(product.operand(x));
    Tensor weights = rows.scalarsToExperts(routed).unsqueeze(1);
    Tensor gateUp = Libtorch.empty(x, stream, rows.rows(), 2 * ffn);
    Tensor scaled = Libtorch.empty(x, compute, rows.rows(), ffn);
    Tensor sorted = Libtorch.empty(x, stream, rows.rows(), x.size(1));
    for (int e = held.from(); e < held.to(); e++) {
      long start = rows.start(e);
      long kept = rows.kept(e);
      if (kept > 0) {
        Tensor both = gateUp.narrow(0, start, kept);
        product.into(both, input.narrow(0, start, kept), gateUpWeight(e).t());
        Tensor activation = torch.silu(both.narrow(1, 0, ffn)).mul_(both.narrow(1, ffn, ffn));
        Tensor out = scaled.narrow(0, start, kept);
        out.copy_(activation.mul_(weights.narrow(0, start, kept)));
        product.into(sorted.narrow(0, start, kept), out, downWeight(e).t());
      }
    }
    return new Output(
        rows.toTokens(sorted, () -> {}), new Tape(rows, input, gateUp, scaled, weights));
  }

  /**
   * Adds to the gradients of the experts' weights and returns those of the inputs.
   *
   * @param gradient of the output, [T, H]
   * @param fresh whether this is the step's first micro-batch, whose weight gradients overwrite
   */
  Gradients backward(Tape tape, Tensor gradient, boolean fresh) {
    ScalarType stream = parameters.precision().stream();
    ExpertRows rows = tape.rows();
    Tensor sortedGradient = rows.toExperts(product.operand(gradient));
    Tensor inputGradient = Libtorch.empty(gradient, stream, rows.rows(), gradient.size(1));
    Tensor weightGradient = Libtorch.zeros(gradient, stream, rows.rows());
    List<Runnable> later = new ArrayList<>();
    for (int e = held.from(); e < held.to(); e++) {
      if (rows.kept(e) > 0) {
        Tensor through = backward(tape, e, sortedGradient, inputGradient, weightGradient);
        int expert = e;
        Runnable weights = () -> accumulate(tape, expert, sortedGradient, through, fresh);
        if (rows.travel()) {
          later.add(weights);
        } else {
          weights.run(); // while the rows are in cache
        }
      } else if (fresh) {
        clearGradient("gate_up", e);
        clearGradient("down", e);
      }
    }
    Tensor toTokens = rows.toTokens(inputGradient, () -> later.forEach(Runnable::run));
    return new Gradients(toTokens, rows.scalarsToTokens(weightGradient));
  }

  /** Gradients of an expert's rows and their weights; returns that of W1 x and W3 x. */
  private Tensor backward(
      Tape tape, int e, Tensor sortedGradient, Tensor inputGradient, Tensor weightGradient) {
    long start = tape.rows().start(e);
    long kept = tape.rows().kept(e);
    Tensor out = sortedGradient.narrow(0, start, kept);
    Tensor both = tape.gateUp().narrow(0, start, kept);
    Tensor gate = both.narrow(1, 0, ffn);
    Tensor up = both.narrow(1, ffn, ffn);
    Tensor weight = tape.weights().narrow(0, start, kept);
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
    product.into(inputGradient.narrow(0, start, kept), operand, gateUpWeight(e));
    return operand;
  }

  /**
   * Adds to the gradients of an expert's matrices.
   *
   * @param through the gradient of W1 x and W3 x
   */
  private void accumulate(Tape tape, int e, Tensor sortedGradient, Tensor through, boolean fresh) {
    long start = tape.rows().start(e);
    long kept = tape.rows().kept(e);
    if (parameters.trainable(name("down", e))) {
      product.accumulate(
          parameters.gradient(name("down", e)),
          sortedGradient.narrow(0, start, kept).t(),
          tape.scaled().narrow(0, start, kept),
          fresh);
    }
    if (parameters.trainable(name("gate_up", e))) {
      product.accumulate(
          parameters.gradient(name("gate_up", e)),
          through.t(),
          tape.input().narrow(0, start, kept),
          fresh);
    }
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
