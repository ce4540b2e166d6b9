package dev.graft.network;

import dev.graft.checkpoint.ModelSpec;
import dev.graft.checkpoint.MoeSpec;
import dev.graft.routing.AuxiliaryLoss;
import dev.graft.routing.Dispatch;
import dev.graft.routing.Gate;
import dev.graft.routing.RoutingStats;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.AutoGradMode;
import org.bytedeco.pytorch.BoolOptional;
import org.bytedeco.pytorch.Scalar;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/**
 * One decoder layer. The autograd graph is cut at the layer's input and in front of its experts:
 * attention, norms and gate are followed by autograd, experts go backwards by hand, and what
 * crosses a cut is an ordinary tensor. Recompute is then a second forward, and a pipeline or an
 * all-to-all can sit in a cut without the graph knowing.
 */
final class DecoderLayer {
  private final Parameters parameters;
  private final Projection projection;
  private final Norm norm;
  private final Attention attention;
  private final Optional<MoeSpec> moe;
  private final Optional<Experts> experts;
  private final String layer;

  /** What an MoE layer routed: detached. */
  record Routed(Tensor expertIds, Tensor weights, RoutingStats stats) {}

  /**
   * What backward needs; released by {@link #release}.
   *
   * @param input the leaf at the layer's input, [B, S, H]
   * @param roots tensors that gradients are fed to: dense, the output; MoE, the stream in front of
   *     the experts, their input, the routing weights, L_aux and the z-loss
   * @param experts the experts' own
   */
  record Tape(Tensor input, List<Tensor> roots, Optional<Experts.Tape> experts) {
    private void retain() {
      input.retainReference();
      roots.forEach(Tensor::retainReference);
      experts.ifPresent(Experts.Tape::retain);
    }

    void release() {
      input.releaseReference();
      roots.forEach(Tensor::releaseReference);
      experts.ifPresent(Experts.Tape::release);
    }
  }

  /**
   * The layer's output [B, S, H], its tape where one was asked for, and its routing where it has
   * experts.
   */
  record Output(Tensor value, Optional<Tape> tape, Optional<Routed> routed) {}

  DecoderLayer(ModelSpec spec, Parameters parameters, Rotary rotary, int layer) {
    this.parameters = parameters;
    this.projection = new Projection(parameters);
    this.norm = new Norm(parameters, spec.rmsNormEps());
    this.attention = new Attention(spec, projection, norm, rotary, layer);
    this.moe = spec.moe();
    this.experts = moe.map(m -> new Experts(spec, parameters, layer));
    this.layer = layer + ".";
  }

  /**
   * Runs the layer.
   *
   * @param x [B, S, H], detached
   * @param mask what each position sees; empty means all before it
   * @param capacityFactor empty means dropless
   * @param taped whether backward will follow
   */
  Output forward(Tensor x, Optional<Tensor> mask, OptionalDouble capacityFactor, boolean taped) {
    PointerScope outer = PointerScope.getInnerScope();
    try (PointerScope _ = new PointerScope();
        AutoGradMode _ = new AutoGradMode(taped)) {
      Tensor input = x.detach();
      if (taped) {
        input.requires_grad_(true);
      }
      Tensor middle = input.add(attention.forward(norm.apply(input, layer + "input_norm"), mask));
      Tensor normed = norm.apply(middle, layer + "post_norm");
      Output output =
          moe.isPresent()
              ? throughExperts(input, middle, normed, moe.get(), capacityFactor, taped)
              : throughFeedForward(input, middle, normed, taped);
      keep(outer, output);
      return output;
    }
  }

  private Output throughFeedForward(Tensor input, Tensor middle, Tensor normed, boolean taped) {
    Tensor both = projection.apply(normed, layer + "gate_up", layer + "gate_up_bias");
    long ffn = both.size(-1) / 2;
    Tensor activation = torch.silu(both.narrow(-1, 0, ffn)).mul(both.narrow(-1, ffn, ffn));
    Tensor out = middle.add(projection.apply(activation, layer + "down", layer + "down_bias"));
    return new Output(
        out.detach(),
        taped ? Optional.of(new Tape(input, List.of(out), Optional.empty())) : Optional.empty(),
        Optional.empty());
  }

  private Output throughExperts(
      Tensor input,
      Tensor middle,
      Tensor normed,
      MoeSpec spec,
      OptionalDouble capacityFactor,
      boolean taped) {
    Tensor flat = normed.view(-1, normed.size(-1));
    Tensor logits = torch.linear(flat, parameters.weight(layer + "gate"));
    Gate gate = Gate.route(logits, spec);
    Tensor auxLoss = AuxiliaryLoss.balance(gate.probabilities());
    Tensor zLoss = AuxiliaryLoss.zLoss(logits);
    try (AutoGradMode _ = new AutoGradMode(false)) {
      Dispatch dispatch = Dispatch.of(gate.expertIds(), spec.numExperts(), capacityFactor);
      Experts.Output sparse =
          experts.orElseThrow().forward(flat.detach(), gate.weights().detach(), dispatch);
      Tensor out =
          middle.detach().add(sparse.value().view(middle.size(0), middle.size(1), middle.size(2)));
      Routed routed =
          new Routed(
              gate.expertIds(),
              gate.weights().detach(),
              RoutingStats.of(gate, dispatch, auxLoss, zLoss));
      Optional<Tape> tape =
          taped
              ? Optional.of(
                  new Tape(
                      input,
                      List.of(middle, flat, gate.weights(), auxLoss, zLoss),
                      Optional.of(sparse.tape())))
              : Optional.empty();
      return new Output(out, tape, Optional.of(routed));
    }
  }

  private static void keep(PointerScope outer, Output output) {
    outer.attach(output.value());
    output.routed().ifPresent(r -> outer.attach(r.expertIds()).attach(r.weights()));
    output.tape().ifPresent(Tape::retain);
  }

  /**
   * Runs the layer backwards, adding to its weights' gradients.
   *
   * @param tape of the forward
   * @param gradient of the output, [B, S, H]
   * @param auxScale α_l over the number of routing groups
   * @param zScale z-loss coefficient over the number of routing groups
   * @param fresh whether this is the step's first micro-batch
   * @return gradient of the input, [B, S, H]
   */
  Tensor backward(Tape tape, Tensor gradient, double auxScale, double zScale, boolean fresh) {
    PointerScope outer = PointerScope.getInnerScope();
    try (PointerScope _ = new PointerScope()) {
      List<Tensor> gradients = new ArrayList<>();
      gradients.add(gradient);
      List<Tensor> roots = new ArrayList<>(tape.roots());
      if (tape.experts().isPresent()) {
        try (AutoGradMode _ = new AutoGradMode(false)) {
          Experts.Gradients through =
              experts
                  .orElseThrow()
                  .backward(tape.experts().get(), gradient.reshape(-1, gradient.size(-1)), fresh);
          gradients.add(through.input());
          gradients.add(through.weights());
          gradients.add(torch.full_like(roots.get(3), new Scalar(auxScale)));
          gradients.add(torch.full_like(roots.get(4), new Scalar(zScale)));
        }
        if (zScale == 0) {
          roots.removeLast();
          gradients.removeLast();
        }
        if (auxScale == 0) {
          roots.remove(3);
          gradients.remove(3);
        }
      }
      torch.backward(
          new TensorVector(roots.toArray(Tensor[]::new)),
          new TensorVector(gradients.toArray(Tensor[]::new)),
          new BoolOptional(false),
          false,
          new TensorVector());
      // A tensor of its own: grad() points into the leaf, which the tape releases.
      Tensor result = tape.input().grad().detach();
      outer.attach(result);
      return result;
    }
  }
}
