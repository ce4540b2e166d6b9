package dev.graft.network;

import dev.graft.checkpoint.ModelSpec;
import dev.graft.checkpoint.MoeSpec;
import dev.graft.routing.AuxiliaryLoss;
import dev.graft.routing.Capacity;
import dev.graft.routing.Dispatch;
import dev.graft.routing.Gate;
import dev.graft.routing.RoutingStats;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalLong;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.AutoGradMode;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.global.torch;

/**
 * One decoder layer. The autograd graph is cut at the layer's input, in front of and behind
 * attention and feed-forward, and around the experts: attention, norms and gate are followed by
 * autograd, experts go backwards by hand, and what crosses a cut is an ordinary tensor. Recompute
 * is then a second forward, and a pipeline, a sum over ranks or an all-to-all can sit in a cut
 * without the graph knowing.
 */
final class DecoderLayer {
  private final Parameters parameters;
  private final Projection projection;
  private final Norm norm;
  private final Attention attention;
  private final Optional<MoeSpec> moe;
  private final Experts experts;
  private final Exchange expertRanks;
  private final boolean expertColumns;
  private final boolean addsBias;
  private final String layer;

  /** What an MoE layer routed: detached. */
  record Routed(Tensor expertIds, Tensor weights, RoutingStats stats) {}

  /**
   * What backward needs; released by {@link #release}.
   *
   * @param cut of the micro-batch
   * @param before from the layer's input, [t, H], to its norm
   * @param attention from all tokens, [T, H], to this rank's summand
   * @param between from the stream in front of the experts or the feed-forward, [t, H], to its
   *     norm; with experts also to the routing weights and the sums of the auxiliary losses
   * @param inner the feed-forward
   * @param sparse the experts
   */
  record Tape(
      TensorCut cut,
      Segment before,
      Segment attention,
      Segment between,
      Optional<Segment> inner,
      Optional<Sparse> sparse) {
    private void retain() {
      before.retain();
      attention.retain();
      between.retain();
      inner.ifPresent(Segment::retain);
      sparse.ifPresent(Sparse::retain);
    }

    void release() {
      before.release();
      attention.release();
      between.release();
      inner.ifPresent(Segment::release);
      sparse.ifPresent(Sparse::release);
    }
  }

  /** What backward needs of experts and gate. */
  record Sparse(Experts.Tape experts, AuxiliaryLoss loss) {
    private void retain() {
      experts.retain();
      loss.sums().retainReference();
    }

    private void release() {
      experts.release();
      loss.sums().releaseReference();
    }
  }

  /**
   * The layer's output [t, H], its tape where one was asked for, and its routing where it has
   * experts.
   */
  record Output(Tensor value, Optional<Tape> tape, Optional<Routed> routed) {}

  DecoderLayer(
      ModelSpec spec, Parameters parameters, Rotary rotary, LayerGroups groups, int layer) {
    Shard shard = parameters.shard();
    this.parameters = parameters;
    this.projection = new Projection(parameters);
    this.norm = new Norm(parameters, spec.rmsNormEps());
    this.attention = new Attention(spec, shard, projection, norm, rotary, layer);
    this.moe = spec.moe();
    this.experts = new Experts(parameters, layer);
    this.expertRanks = groups.experts();
    this.expertColumns = shard.expertColumns();
    this.addsBias = shard.tensorRank() == 0;
    this.layer = layer + ".";
  }

  /**
   * Runs the layer.
   *
   * @param x [t, H], detached
   * @param mask what each position sees; empty means all before it
   * @param capacityFactor empty means dropless
   * @param taped whether backward will follow
   */
  Output forward(
      Tensor x,
      TensorCut cut,
      Optional<Tensor> mask,
      OptionalDouble capacityFactor,
      boolean taped) {
    PointerScope outer = PointerScope.getInnerScope();
    try (PointerScope _ = new PointerScope();
        AutoGradMode _ = new AutoGradMode(taped)) {
      Tensor input = Segment.leaf(x, taped);
      Tensor normed = norm.apply(input, layer + "input_norm");
      Tensor all = Segment.leaf(cut.spread(normed.detach()), taped);
      long hidden = x.size(-1);
      Tensor attended = attention.forward(all.view(cut.sequences(), cut.length(), hidden), mask);
      Tensor middle =
          Segment.leaf(input.detach().add(cut.sum(attended.detach().view(-1, hidden))), taped);
      Tape first =
          new Tape(
              cut,
              Segment.of(input, normed),
              Segment.of(all, attended),
              Segment.of(middle, norm.apply(middle, layer + "post_norm")),
              Optional.empty(),
              Optional.empty());
      Output output =
          moe.isPresent()
              ? throughExperts(first, moe.get(), capacityFactor, taped)
              : throughFeedForward(first, taped);
      keep(outer, output);
      return output;
    }
  }

  private Output throughFeedForward(Tape first, boolean taped) {
    TensorCut cut = first.cut();
    Segment between = first.between();
    Tensor all = Segment.leaf(cut.spread(between.roots().getFirst().detach()), taped);
    Tensor both = projection.apply(all, layer + "gate_up", layer + "gate_up_bias");
    long ffn = both.size(-1) / 2;
    Tensor activation = torch.silu(both.narrow(-1, 0, ffn)).mul(both.narrow(-1, ffn, ffn));
    Tensor part =
        addsBias
            ? projection.apply(activation, layer + "down", layer + "down_bias")
            : projection.apply(activation, layer + "down");
    Tensor out = between.leaf().detach().add(cut.sum(part.detach()));
    Optional<Segment> inner = Optional.of(Segment.of(all, part));
    Tape tape = new Tape(cut, first.before(), first.attention(), between, inner, Optional.empty());
    return new Output(out, taped ? Optional.of(tape) : Optional.empty(), Optional.empty());
  }

  private Output throughExperts(
      Tape first, MoeSpec spec, OptionalDouble capacityFactor, boolean taped) {
    TensorCut cut = first.cut();
    Tensor middle = first.between().leaf();
    Tensor normed = first.between().roots().getFirst();
    Tensor logits = torch.linear(normed, parameters.weight(layer + "gate"));
    Gate gate = Gate.route(logits, spec);
    Tensor sums = AuxiliaryLoss.sums(gate.probabilities(), logits);
    try (AutoGradMode _ = new AutoGradMode(false)) {
      Tensor total = sums.detach().clone();
      if (cut.sequence()) {
        cut.ranks().allReduceSum(total);
      }
      AuxiliaryLoss loss = new AuxiliaryLoss(total, cut.tokens());
      // Ranks that split experts by columns need all tokens; those that have whole ones, their own.
      Tensor x = normed.detach();
      Tensor weights = gate.weights().detach();
      Tensor ids = gate.expertIds();
      if (expertColumns) {
        x = cut.spread(x);
        weights = cut.whole(weights);
        ids = cut.whole(ids);
      }
      OptionalLong capacity =
          capacityFactor.isPresent()
              ? OptionalLong.of(
                  Capacity.of(
                      capacityFactor.getAsDouble(), spec.topK(), cut.tokens(), spec.numExperts()))
              : OptionalLong.empty();
      Placed placed = place(Dispatch.of(ids, spec.numExperts()), cut, capacity);
      Experts.Output sparse = experts.forward(x, weights, placed.rows());
      Tensor out = middle.detach().add(expertColumns ? cut.sum(sparse.value()) : sparse.value());
      Routed routed =
          new Routed(
              gate.expertIds(),
              gate.weights().detach(),
              reported(RoutingStats.of(gate, placed.dispatch(), loss), cut));
      Tape tape =
          new Tape(
              cut,
              first.before(),
              first.attention(),
              Segment.of(middle, normed, gate.weights(), sums),
              Optional.empty(),
              Optional.of(new Sparse(sparse.tape(), loss)));
      return new Output(out, taped ? Optional.of(tape) : Optional.empty(), Optional.of(routed));
    }
  }

  private record Placed(Dispatch dispatch, ExpertRows rows) {}

  private Placed place(Dispatch dispatch, TensorCut cut, OptionalLong capacity) {
    if (expertRanks.size() > 1) {
      // A replica's ranks are neighbours in the group, each with a part of its tokens.
      int split = cut.sequence() && !expertColumns ? cut.ranks().size() : 1;
      DispatchedRows rows =
          new DispatchedRows(dispatch, expertRanks, parameters.precision(), split, capacity);
      return new Placed(rows.dispatch(), rows);
    }
    Dispatch capped =
        capacity.isPresent()
            ? dispatch.keeping(
                Capacity.kept(List.<long[][]>of(dispatch.choices()), 0, capacity.getAsLong()))
            : dispatch;
    return new Placed(capped, new LocalRows(capped, dispatch.choices().length));
  }

  /** What ranks that split the tokens measure adds up to what one would. */
  private RoutingStats reported(RoutingStats measured, TensorCut cut) {
    if (!cut.sequence() || cut.speaks()) {
      return measured;
    }
    RoutingStats own = measured.withoutGroup();
    return expertColumns ? own.withoutDispatch() : own;
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
   * @param gradient of the output, [t, H]
   * @param auxScale α_l over the number of routing groups
   * @param zScale z-loss coefficient over the number of routing groups
   * @param fresh whether this is the step's first micro-batch
   * @return gradient of the input, [t, H]
   */
  Tensor backward(Tape tape, Tensor gradient, double auxScale, double zScale, boolean fresh) {
    PointerScope outer = PointerScope.getInnerScope();
    try (PointerScope _ = new PointerScope()) {
      TensorCut cut = tape.cut();
      Tensor toMiddle =
          tape.sparse().isPresent()
              ? throughExperts(tape, tape.sparse().get(), gradient, auxScale, zScale, fresh)
              : throughFeedForward(tape, gradient);
      toMiddle.add_(gradient);
      Tensor toAttended = cut.spread(toMiddle).view_as(tape.attention().roots().getFirst());
      Tensor toAll = tape.attention().backward(toAttended);
      Tensor result = tape.before().backward(cut.sum(toAll)).add_(toMiddle);
      outer.attach(result);
      return result;
    }
  }

  private static Tensor throughFeedForward(Tape tape, Tensor gradient) {
    TensorCut cut = tape.cut();
    Tensor toAll = tape.inner().orElseThrow().backward(cut.spread(gradient));
    return tape.between().backward(cut.sum(toAll));
  }

  private Tensor throughExperts(
      Tape tape, Sparse sparse, Tensor gradient, double auxScale, double zScale, boolean fresh) {
    TensorCut cut = tape.cut();
    Experts.Gradients through;
    Tensor toSums;
    try (AutoGradMode _ = new AutoGradMode(false)) {
      Tensor toRows = expertColumns ? cut.spread(gradient) : gradient;
      through = experts.backward(sparse.experts(), toRows, fresh);
      if (expertColumns) {
        through = new Experts.Gradients(cut.sum(through.input()), cut.sum(through.weights()));
      }
      toSums = sparse.loss().gradient(auxScale, zScale);
    }
    return tape.between().backward(through.input(), through.weights(), toSums);
  }
}
