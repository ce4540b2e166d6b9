package dev.graft.network;

import dev.graft.checkpoint.ModelSpec;
import dev.graft.layout.Range;
import dev.graft.routing.RoutingStats;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.function.IntConsumer;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.AutoGradMode;
import org.bytedeco.pytorch.Tensor;

/** A decoder, dense or with experts, on the weights it is given. */
public final class Network implements AutoCloseable {
  private final ModelSpec spec;
  private final Parameters parameters;
  private final NetworkOptions options;
  private final Rotary rotary;
  private final Norm norm;
  private final Embedding embedding;
  private final Head head;
  private final LayerGroups groups;
  private final Range held;
  private final List<DecoderLayer> layers = new ArrayList<>();

  /**
   * What one micro-batch gave.
   *
   * @param lossSum Σ over counted targets of the cross entropy in nats
   * @param counted how many targets counted
   * @param routing per MoE layer, in order
   */
  public record Result(double lossSum, double counted, List<RoutingStats> routing) {}

  /** The experts a layer chose for every token: ids and weights row-major [T, k]. */
  public record Routing(int topK, long[] expertIds, double[] weights) {}

  /** Logits row-major [T, V] and the routing of each MoE layer. */
  public record Inference(double[] logits, List<Routing> routing) {}

  public Network(ModelSpec spec, Parameters parameters, NetworkOptions options) {
    this(spec, parameters, options, new Range(0, spec.numHiddenLayers()), LayerGroups.solo());
  }

  /**
   * A stretch of the layers, with the embedding if it is the first and final norm and head if it is
   * the last.
   *
   * @param parameters the shard that this rank holds
   * @param groups whom it shares these layers with
   */
  public Network(
      ModelSpec spec,
      Parameters parameters,
      NetworkOptions options,
      Range held,
      LayerGroups groups) {
    this.spec = spec;
    this.parameters = parameters;
    this.options = options;
    this.rotary = new Rotary(spec, parameters);
    this.norm = new Norm(parameters, spec.rmsNormEps());
    VocabularySlice vocabulary = new VocabularySlice(parameters.shard().slice().vocabulary());
    this.embedding = new Embedding(parameters, vocabulary);
    this.head = new Head(spec, parameters, groups.tensor());
    this.groups = groups;
    this.held = held;
    for (int l = held.from(); l < held.to(); l++) {
      layers.add(new DecoderLayer(spec, parameters, rotary, groups, l));
    }
  }

  public ModelSpec spec() {
    return spec;
  }

  public Parameters parameters() {
    return parameters;
  }

  /**
   * Logits of one sequence, dropless, by a model that is whole here.
   *
   * @param ids at least one token
   * @param lastOnly whether only the last position is projected
   */
  public Inference infer(long[] ids, boolean lastOnly) {
    try (PointerScope _ = new PointerScope();
        AutoGradMode _ = new AutoGradMode(false)) {
      TensorCut cut = cut(1, ids.length);
      Optional<Tensor> mask =
          AttentionMask.of(1, ids.length, spec.slidingWindow(), Optional.empty()).map(this::placed);
      List<Routing> routing = new ArrayList<>();
      Tensor x = embedding.forward(placed(Libtorch.longs(ids, ids.length)), cut);
      for (DecoderLayer layer : layers) {
        DecoderLayer.Output out = layer.forward(x, cut, mask, OptionalDouble.empty(), false);
        out.routed()
            .ifPresent(r ->
                routing.add(
                    new Routing(
                        Math.toIntExact(r.expertIds().size(1)),
                        Libtorch.toLongs(r.expertIds()),
                        Libtorch.toDoubles(r.weights()))));
        x = out.value();
      }
      Tensor states = norm.apply(x, "norm");
      Tensor wanted = lastOnly ? states.narrow(0, ids.length - 1, 1) : states;
      return new Inference(Libtorch.toDoubles(head.logits(wanted)), routing);
    }
  }

  /** Whether the model starts here, so that {@link #forward} takes no input. */
  public boolean first() {
    return held.from() == 0;
  }

  /** Whether the model ends here, so that {@link #backward} takes no gradient. */
  public boolean last() {
    return held.to() == spec.numHiddenLayers();
  }

  /** The layers held. */
  public Range held() {
    return held;
  }

  /** Room for what goes in between two stretches of layers: [t, H]. */
  public Tensor boundary(MicroBatch batch) {
    return Libtorch.empty(
        parameters.flatWeights(),
        parameters.precision().stream(),
        cut(batch).own(),
        spec.hiddenSize());
  }

  /** Clears the gradients before the first micro-batch of a step. */
  public void clearGradients() {
    parameters.zeroAccumulated();
  }

  /** The loss of a micro-batch without gradients, dropless. */
  public Result evaluate(MicroBatch batch) {
    Evaluation evaluation = evaluate(batch, Optional.empty());
    evaluation.output().releaseReference();
    return evaluation.result();
  }

  /**
   * What a stretch of layers gave without gradients.
   *
   * @param output of the last layer; the caller releases it
   * @param result its loss is 0 where the model does not end here
   */
  public record Evaluation(Tensor output, Result result) {}

  /** The same of the layers held. */
  public Evaluation evaluate(MicroBatch batch, Optional<Tensor> input) {
    try (PointerScope _ = new PointerScope();
        AutoGradMode _ = new AutoGradMode(false)) {
      TensorCut cut = cut(batch);
      Tensor x = input.orElseGet(() -> embedding.forward(ids(batch), cut));
      Optional<Tensor> mask = mask(batch);
      List<RoutingStats> routing = new ArrayList<>();
      for (DecoderLayer layer : layers) {
        DecoderLayer.Output out = layer.forward(x, cut, mask, OptionalDouble.empty(), false);
        out.routed().ifPresent(r -> routing.add(r.stats()));
        x = out.value();
      }
      double loss = 0;
      if (last()) {
        Tensor states = cut.spread(norm.apply(x, "norm"));
        loss = head.loss(states, targets(batch), lossMask(batch));
      }
      return new Evaluation(x.retainReference(), new Result(loss, batch.counted(), routing));
    }
  }

  /**
   * Forward and backward of one micro-batch: gradients of scale · Σ CE + Σ_l (α_l L_aux_l + z z_l)
   * / groups.
   *
   * @param scale of the summed cross entropy: 1 over the counted targets of the step
   * @param alpha per MoE layer
   * @param groups routing groups of the step
   * @param fresh whether this is the step's first micro-batch
   */
  public Result forwardBackward(
      MicroBatch batch, double scale, double[] alpha, int groups, boolean fresh) {
    if (fresh) {
      clearGradients();
    }
    Pass pass = forward(batch, Optional.empty());
    Backward done = backward(pass, Optional.empty(), scale, alpha, groups, fresh);
    done.gradient().releaseReference();
    return done.result();
  }

  private record Kept(Tensor input, Optional<DecoderLayer.Tape> tape) {}

  /** A micro-batch that has gone forward through the layers held and not yet back. */
  public static final class Pass {
    private final MicroBatch batch;
    private final TensorCut cut;
    private final Optional<Tensor> mask;
    private final List<Kept> kept;
    private final List<RoutingStats> routing;
    private final Tensor output;

    private Pass(
        MicroBatch batch,
        TensorCut cut,
        Optional<Tensor> mask,
        List<Kept> kept,
        List<RoutingStats> routing,
        Tensor output) {
      this.batch = batch;
      this.cut = cut;
      this.mask = mask;
      this.kept = kept;
      this.routing = routing;
      this.output = output;
    }

    /** Of the last layer held, [t, H]; valid until the way back. */
    public Tensor output() {
      return output;
    }
  }

  /**
   * What the way back gave.
   *
   * @param gradient of the input, [t, H]; the caller releases it
   * @param result its loss is 0 where the model does not end here
   */
  public record Backward(Tensor gradient, Result result) {}

  /**
   * Forward through the layers held.
   *
   * @param input of the first of them, [t, H]; empty where the model starts here
   */
  public Pass forward(MicroBatch batch, Optional<Tensor> input) {
    try (PointerScope _ = new PointerScope()) {
      Optional<Tensor> mask = mask(batch);
      List<Kept> kept = new ArrayList<>();
      List<RoutingStats> routing = new ArrayList<>();
      TensorCut cut = cut(batch);
      Tensor x = input.orElseGet(() -> embedding.forward(ids(batch), cut));
      for (int l = 0; l < layers.size(); l++) {
        boolean taped = l >= options.recomputeLayers();
        DecoderLayer.Output out =
            layers.get(l).forward(x, cut, mask, options.capacityFactor(), taped);
        out.routed().ifPresent(r -> routing.add(r.stats()));
        kept.add(new Kept(x.retainReference(), out.tape()));
        x = out.value();
      }
      mask.ifPresent(Tensor::retainReference);
      return new Pass(batch, cut, mask, kept, routing, x.retainReference());
    }
  }

  /** Back through the layers held, where nobody waits for the gradients of one of them. */
  public Backward backward(
      Pass pass,
      Optional<Tensor> gradient,
      double scale,
      double[] alpha,
      int groups,
      boolean fresh) {
    return backward(pass, gradient, scale, alpha, groups, fresh, _ -> {});
  }

  /**
   * Back through the layers held, adding to the gradients.
   *
   * @param gradient of the output, [t, H]; empty where the model ends here
   * @param fresh whether this is the step's first micro-batch
   * @param through hears the number of each layer when this micro-batch has gone back through it
   */
  public Backward backward(
      Pass pass,
      Optional<Tensor> gradient,
      double scale,
      double[] alpha,
      int groups,
      boolean fresh,
      IntConsumer through) {
    try (PointerScope _ = new PointerScope()) {
      double loss = 0;
      Tensor back;
      if (last()) {
        Last last = last(pass.output, pass.cut, pass.batch, scale);
        loss = last.loss();
        back = last.gradient();
      } else {
        back = gradient.orElseThrow();
      }
      for (int l = layers.size() - 1; l >= 0; l--) {
        back = backward(l, pass, back, alpha, groups, fresh);
        through.accept(held.from() + l);
      }
      if (first()) {
        embedding.backward(ids(pass.batch), back, pass.cut);
      }
      pass.mask.ifPresent(Tensor::releaseReference);
      pass.output.releaseReference();
      return new Backward(
          back.retainReference(), new Result(loss, pass.batch.counted(), pass.routing));
    }
  }

  private record Last(double loss, Tensor gradient) {}

  private Tensor backward(
      int l, Pass pass, Tensor gradient, double[] alpha, int groups, boolean fresh) {
    DecoderLayer layer = layers.get(l);
    Kept kept = pass.kept.get(l);
    DecoderLayer.Tape tape =
        kept.tape()
            .orElseGet(() ->
                layer
                    .forward(kept.input(), pass.cut, pass.mask, options.capacityFactor(), true)
                    .tape()
                    .orElseThrow());
    double auxScale = spec.moe().isPresent() ? alpha[held.from() + l] / groups : 0;
    Tensor result = layer.backward(tape, gradient, auxScale, options.zLoss() / groups, fresh);
    tape.release();
    kept.input().releaseReference();
    return result;
  }

  /** Final norm, head and loss; the gradient is that of the last layer's output. */
  private Last last(Tensor x, TensorCut cut, MicroBatch batch, double scale) {
    Tensor input = Segment.leaf(x, true);
    Segment segment = Segment.of(input, norm.apply(input, "norm"));
    Tensor stateGradient;
    double loss;
    try (AutoGradMode _ = new AutoGradMode(false)) {
      Tensor states = cut.spread(segment.roots().getFirst().detach());
      stateGradient =
          Libtorch.empty(states, parameters.precision().stream(), states.size(0), states.size(1));
      loss = head.lossAndGradient(states, targets(batch), lossMask(batch), stateGradient, scale);
      stateGradient = cut.sum(stateGradient);
    }
    return new Last(loss, segment.backward(stateGradient));
  }

  private TensorCut cut(MicroBatch batch) {
    return cut(batch.sequences(), batch.length());
  }

  private TensorCut cut(long sequences, long length) {
    return TensorCut.of(
        groups.tensor(), parameters.shard().sequence(), parameters.precision(), sequences, length);
  }

  private Tensor ids(MicroBatch batch) {
    return placed(Libtorch.longs(batch.ids(), batch.ids().length));
  }

  /** On the device of the weights. */
  private Tensor placed(Tensor tensor) {
    return tensor.to(parameters.flatWeights().device(), tensor.scalar_type());
  }

  private Tensor targets(MicroBatch batch) {
    return placed(Libtorch.longs(batch.targets(), batch.targets().length));
  }

  private Optional<Tensor> lossMask(MicroBatch batch) {
    return batch
        .lossMask()
        .map(m -> placed(Libtorch.floats(m, m.length).to(parameters.precision().stream())));
  }

  private Optional<Tensor> mask(MicroBatch batch) {
    OptionalInt window = spec.slidingWindow();
    return AttentionMask.of(batch.sequences(), batch.length(), window, batch.documents())
        .map(this::placed);
  }

  @Override
  public void close() {
    rotary.close();
  }
}
