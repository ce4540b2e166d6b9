package dev.graft.network;

import dev.graft.checkpoint.ModelSpec;
import dev.graft.routing.RoutingStats;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.AutoGradMode;
import org.bytedeco.pytorch.BoolOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorVector;
import org.bytedeco.pytorch.global.torch;

/** A decoder, dense or with experts, on the weights it is given. */
public final class Network implements AutoCloseable {
  private final ModelSpec spec;
  private final Parameters parameters;
  private final NetworkOptions options;
  private final Rotary rotary;
  private final Norm norm;
  private final Head head;
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
    this.spec = spec;
    this.parameters = parameters;
    this.options = options;
    this.rotary = new Rotary(spec, parameters);
    this.norm = new Norm(parameters, spec.rmsNormEps());
    this.head = new Head(spec, parameters);
    for (int l = 0; l < spec.numHiddenLayers(); l++) {
      layers.add(new DecoderLayer(spec, parameters, rotary, l));
    }
  }

  public ModelSpec spec() {
    return spec;
  }

  public Parameters parameters() {
    return parameters;
  }

  /**
   * Logits of one sequence, dropless.
   *
   * @param ids at least one token
   * @param lastOnly whether only the last position is projected
   */
  public Inference infer(long[] ids, boolean lastOnly) {
    try (PointerScope _ = new PointerScope();
        AutoGradMode _ = new AutoGradMode(false)) {
      Tensor tokens = placed(Libtorch.longs(ids, 1, ids.length));
      Optional<Tensor> mask =
          AttentionMask.of(1, ids.length, spec.slidingWindow(), Optional.empty()).map(this::placed);
      List<Routing> routing = new ArrayList<>();
      Tensor x = embed(tokens);
      for (DecoderLayer layer : layers) {
        DecoderLayer.Output out = layer.forward(x, mask, OptionalDouble.empty(), false);
        out.routed()
            .ifPresent(r ->
                routing.add(
                    new Routing(
                        Math.toIntExact(r.expertIds().size(1)),
                        Libtorch.toLongs(r.expertIds()),
                        Libtorch.toDoubles(r.weights()))));
        x = out.value();
      }
      Tensor states = norm.apply(x, "norm").view(-1, spec.hiddenSize());
      Tensor wanted = lastOnly ? states.narrow(0, ids.length - 1, 1) : states;
      return new Inference(Libtorch.toDoubles(head.logits(wanted)), routing);
    }
  }

  /** The loss of a micro-batch without gradients, dropless. */
  public Result evaluate(MicroBatch batch) {
    try (PointerScope _ = new PointerScope();
        AutoGradMode _ = new AutoGradMode(false)) {
      Tensor x = embed(placed(Libtorch.longs(batch.ids(), batch.sequences(), batch.length())));
      Optional<Tensor> mask = mask(batch);
      List<RoutingStats> routing = new ArrayList<>();
      for (DecoderLayer layer : layers) {
        DecoderLayer.Output out = layer.forward(x, mask, OptionalDouble.empty(), false);
        out.routed().ifPresent(r -> routing.add(r.stats()));
        x = out.value();
      }
      Tensor states = norm.apply(x, "norm").view(-1, spec.hiddenSize());
      double loss = head.loss(states, targets(batch), lossMask(batch));
      return new Result(loss, batch.counted(), routing);
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
      parameters.zeroAccumulated();
    }
    try (PointerScope _ = new PointerScope()) {
      Tensor ids = placed(Libtorch.longs(batch.ids(), batch.sequences(), batch.length()));
      Optional<Tensor> mask = mask(batch);
      List<Kept> kept = new ArrayList<>();
      List<RoutingStats> routing = new ArrayList<>();
      Tensor x = embed(ids);
      for (int l = 0; l < layers.size(); l++) {
        boolean taped = l >= options.recomputeLayers();
        DecoderLayer.Output out = layers.get(l).forward(x, mask, options.capacityFactor(), taped);
        out.routed().ifPresent(r -> routing.add(r.stats()));
        kept.add(new Kept(x.retainReference(), out.tape()));
        x = out.value();
      }
      Last last = last(x, batch, scale);
      Tensor gradient = last.gradient();
      for (int l = layers.size() - 1; l >= 0; l--) {
        gradient = backward(l, kept.get(l), gradient, mask, alpha, groups, fresh);
      }
      embedBackward(ids, gradient);
      return new Result(last.loss(), batch.counted(), routing);
    }
  }

  private record Kept(Tensor input, Optional<DecoderLayer.Tape> tape) {}

  private record Last(double loss, Tensor gradient) {}

  private Tensor backward(
      int l,
      Kept kept,
      Tensor gradient,
      Optional<Tensor> mask,
      double[] alpha,
      int groups,
      boolean fresh) {
    DecoderLayer layer = layers.get(l);
    DecoderLayer.Tape tape =
        kept.tape()
            .orElseGet(() ->
                layer
                    .forward(kept.input(), mask, options.capacityFactor(), true)
                    .tape()
                    .orElseThrow());
    double auxScale = spec.moe().isPresent() ? alpha[l] / groups : 0;
    Tensor result = layer.backward(tape, gradient, auxScale, options.zLoss() / groups, fresh);
    tape.release();
    kept.input().releaseReference();
    return result;
  }

  /** Final norm, head and loss; the gradient is that of the last layer's output. */
  private Last last(Tensor x, MicroBatch batch, double scale) {
    Tensor input = x.detach();
    input.requires_grad_(true);
    Tensor states = norm.apply(input, "norm").view(-1, spec.hiddenSize());
    Tensor stateGradient = torch.empty_like(states.detach());
    double loss;
    try (AutoGradMode _ = new AutoGradMode(false)) {
      loss =
          head.lossAndGradient(
              states.detach(), targets(batch), lossMask(batch), stateGradient, scale);
    }
    torch.backward(
        new TensorVector(states),
        new TensorVector(stateGradient),
        new BoolOptional(false),
        false,
        new TensorVector());
    return new Last(loss, input.grad().detach());
  }

  private Tensor embed(Tensor ids) {
    return torch.embedding(parameters.weight("embed").detach(), ids);
  }

  private void embedBackward(Tensor ids, Tensor gradient) {
    if (parameters.trainable("embed")) {
      parameters
          .gradient("embed")
          .index_add_(0, ids.view(-1), gradient.view(-1, spec.hiddenSize()));
    }
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
