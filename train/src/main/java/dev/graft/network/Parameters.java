package dev.graft.network;

import dev.graft.checkpoint.ModelSpec;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import org.bytedeco.javacpp.PointerScope;
import org.bytedeco.pytorch.Device;
import org.bytedeco.pytorch.DeviceOptional;
import org.bytedeco.pytorch.Tensor;
import org.bytedeco.pytorch.TensorOptions;
import org.bytedeco.pytorch.global.torch;

/**
 * The weights of a network and their gradients, each one flat vector; every named weight is a view
 * of both. Stored tensors are contiguous stretches, so saving, loading and optimising need no
 * copies.
 */
public final class Parameters implements AutoCloseable {
  private final ParameterLayout layout;
  private final Precision precision;
  private final Tensor weights;
  private final Tensor gradients;
  private final Map<String, Tensor> views = new HashMap<>();
  private final Map<String, Tensor> gradientViews = new HashMap<>();

  /**
   * A stored tensor as a stretch of the flat vectors.
   *
   * @param name its Hugging Face name
   * @param shape its shape
   * @param offset first element
   * @param elements how many
   * @param trainable whether it has a gradient
   */
  public record Stored(
      String name, List<Long> shape, long offset, long elements, boolean trainable) {}

  /**
   * A stretch of the flat vectors that one optimiser setting covers.
   *
   * @param offset first element
   * @param elements how many
   * @param decayed whether weight decay applies
   * @param expert whether these are experts' matrices
   */
  public record Stretch(long offset, long elements, boolean decayed, boolean expert) {}

  private Parameters(ParameterLayout layout, Precision precision, Device device) {
    this.layout = layout;
    this.precision = precision;
    try (PointerScope _ = new PointerScope()) {
      this.weights =
          torch.zeros(new long[] {layout.elements()}, options(precision, device)).retainReference();
      this.gradients =
          torch
              .zeros(new long[] {layout.trainable()}, options(precision, device))
              .retainReference();
      for (Slot slot : layout.slots().values()) {
        Tensor view =
            weights.narrow(0, slot.offset(), slot.elements()).view(slot.shapeArray()).detach();
        if (slot.trainable()) {
          view.requires_grad_(true);
          Tensor gradient =
              gradients.narrow(0, slot.offset(), slot.elements()).view(slot.shapeArray());
          view.mutable_grad().put(gradient);
          gradientViews.put(slot.name(), gradient.retainReference());
        }
        views.put(slot.name(), view.retainReference());
      }
    }
  }

  /**
   * Zero weights of the given shape.
   *
   * @param frozen whether a stored tensor of this name keeps its value
   */
  public static Parameters zeros(ModelSpec spec, Precision precision, Predicate<String> frozen) {
    return zeros(spec, precision, frozen, Stage.whole(spec));
  }

  /** Zero weights of one stage of a pipeline. */
  public static Parameters zeros(
      ModelSpec spec, Precision precision, Predicate<String> frozen, Stage stage) {
    return new Parameters(ParameterLayout.of(spec, frozen, stage), precision, new Device("cpu"));
  }

  /** Every stored tensor of a whole model, without any memory for it. */
  public static List<Stored> declare(ModelSpec spec, Predicate<String> frozen) {
    return stored(ParameterLayout.of(spec, frozen));
  }

  private static TensorOptions options(Precision precision, Device device) {
    return Libtorch.options(precision.stream()).device(new DeviceOptional(device));
  }

  /** The same weights on another device; these are closed. */
  public Parameters on(Device device) {
    if (device.type() == weights.device().type()) {
      return this;
    }
    Parameters moved = new Parameters(layout, precision, device);
    moved.weights.copy_(weights);
    close();
    return moved;
  }

  /** Fresh weights: matrices from N(0, initializer_range), norms 1, biases 0. */
  public static Parameters fresh(
      ModelSpec spec, Precision precision, long seed, Predicate<String> frozen) {
    return fresh(spec, precision, seed, frozen, Stage.whole(spec));
  }

  /** Those of one stage of a pipeline: the same values as in the whole model. */
  public static Parameters fresh(
      ModelSpec spec, Precision precision, long seed, Predicate<String> frozen, Stage stage) {
    Parameters parameters = zeros(spec, precision, frozen, stage);
    Initialization.fill(parameters, spec, seed);
    return parameters;
  }

  public Precision precision() {
    return precision;
  }

  /** All weights, [elements]. */
  public Tensor flatWeights() {
    return weights;
  }

  /** Gradients of the trainable weights, which come first, [trainable]. */
  public Tensor flatGradients() {
    return gradients;
  }

  /** Every stored tensor, in the order of the flat vector. */
  public List<Stored> stored() {
    return stored(layout);
  }

  private static List<Stored> stored(ParameterLayout layout) {
    List<Stored> all = new ArrayList<>();
    for (Slot slot : layout.slots().values()) {
      for (Slot.Piece piece : slot.pieces()) {
        all.add(
            new Stored(
                piece.name(), piece.shape(), piece.offset(), piece.elements(), slot.trainable()));
      }
    }
    return all;
  }

  /** The stretches of the trainable weights that the optimiser treats alike. */
  public List<Stretch> stretches() {
    List<Stretch> stretches = new ArrayList<>();
    for (Slot slot : layout.slots().values()) {
      if (!slot.trainable()) {
        continue;
      }
      boolean decayed = slot.kind() != Slot.Kind.VECTOR;
      boolean expert = slot.kind() == Slot.Kind.EXPERT;
      Stretch next = new Stretch(slot.offset(), slot.elements(), decayed, expert);
      if (!stretches.isEmpty()
          && stretches.getLast().decayed() == decayed
          && stretches.getLast().expert() == expert) {
        Stretch last = stretches.removeLast();
        next = new Stretch(last.offset(), last.elements() + slot.elements(), decayed, expert);
      }
      stretches.add(next);
    }
    return stretches;
  }

  /**
   * Clears the gradients that add up; those of experts are overwritten by the first micro-batch
   * instead.
   */
  void zeroAccumulated() {
    try (PointerScope _ = new PointerScope()) {
      for (Stretch stretch : stretches()) {
        if (!stretch.expert()) {
          gradients.narrow(0, stretch.offset(), stretch.elements()).zero_();
        }
      }
    }
  }

  /** A weight that autograd follows. */
  Tensor weight(String name) {
    Tensor view = views.get(name);
    if (view == null) {
      throw new IllegalArgumentException("the network has no weight named " + name);
    }
    return view;
  }

  boolean has(String name) {
    return views.containsKey(name);
  }

  boolean trainable(String name) {
    return gradientViews.containsKey(name);
  }

  /** The gradient of the embedding, if it is here and trainable. */
  public Optional<Tensor> embeddingGradient() {
    return Optional.ofNullable(gradientViews.get("embed"));
  }

  /** The gradient of a trainable weight. */
  Tensor gradient(String name) {
    return gradientViews.get(name);
  }

  @Override
  public void close() {
    views.values().forEach(Tensor::releaseReference);
    gradientViews.values().forEach(Tensor::releaseReference);
    gradients.releaseReference();
    weights.releaseReference();
  }
}
