package dev.graft.network;

import dev.graft.checkpoint.ModelSpec;
import dev.graft.layout.Range;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
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
  private final Shard shard;
  private final Precision precision;
  private final Tensor weights;
  private final Tensor gradients;
  private final Map<String, Tensor> views = new HashMap<>();
  private final Map<String, Tensor> gradientViews = new HashMap<>();

  /**
   * A stored tensor, or the part of it that is held, as a stretch of the flat vectors.
   *
   * @param name its Hugging Face name
   * @param shape that of the whole tensor
   * @param rows held; of a vector, its elements
   * @param columns held; one for a vector
   * @param own the rows that this rank, of all that hold them, saves and counts
   * @param offset first element
   * @param trainable whether it has a gradient
   * @param expert whether it is an expert's matrix
   */
  public record Stored(
      String name,
      List<Long> shape,
      Range rows,
      Range columns,
      Range own,
      long offset,
      boolean trainable,
      boolean expert) {
    /**
     * Elements that lie side by side here and in the whole tensor.
     *
     * @param flat first element in the flat vectors
     * @param whole first element in the whole tensor
     * @param elements how many
     */
    public record Run(long flat, long whole, long elements) {}

    /** Elements held. */
    public long elements() {
      return (long) rows.length() * columns.length();
    }

    /** Elements of the whole tensor. */
    public long wholeElements() {
      return shape.stream().reduce(1L, Math::multiplyExact);
    }

    /** First of the elements that this rank saves and counts. */
    public long ownOffset() {
      return offset + (long) (own.from() - rows.from()) * columns.length();
    }

    /** How many elements this rank saves and counts. */
    public long ownElements() {
      return (long) own.length() * columns.length();
    }

    /** Where an element of the whole tensor stands in the flat vectors, if it is held. */
    OptionalLong place(long row, long column) {
      boolean here =
          rows.from() <= row
              && row < rows.to()
              && columns.from() <= column
              && column < columns.to();
      return here
          ? OptionalLong.of(
              offset + (row - rows.from()) * columns.length() + column - columns.from())
          : OptionalLong.empty();
    }

    /** Where elements of the flat vectors stand in the whole tensor. */
    public List<Run> runs(long flat, long elements) {
      long width = columns.length();
      long wide = shape.size() == 1 ? 1 : shape.get(1);
      long at = flat - offset;
      if (width == wide) {
        return List.of(new Run(flat, rows.from() * wide + at, elements));
      }
      List<Run> runs = new ArrayList<>();
      long end = at + elements;
      while (at < end) {
        long column = at % width;
        long length = Math.min(width - column, end - at);
        long whole = (rows.from() + at / width) * wide + columns.from() + column;
        runs.add(new Run(offset + at, whole, length));
        at += length;
      }
      return runs;
    }
  }

  /**
   * Gradients that ranks of a tensor-parallel group each have a part of.
   *
   * @param offset first element in the flat gradients
   * @param elements how many
   * @param at where they stand in the vector of all such gradients, the same on all ranks
   */
  public record Partial(long offset, long elements, long at) {}

  /**
   * All of them.
   *
   * @param held those of this rank
   * @param elements of the vector of all
   */
  public record Partials(List<Partial> held, long elements) {}

  /**
   * A stretch of the flat vectors that one optimiser setting covers.
   *
   * @param offset first element
   * @param elements how many
   * @param decayed whether weight decay applies
   * @param expert whether these are experts' matrices
   */
  public record Stretch(long offset, long elements, boolean decayed, boolean expert) {
    private boolean goesOnIn(Stretch next) {
      return offset + elements == next.offset && decayed == next.decayed && expert == next.expert;
    }
  }

  private Parameters(ParameterLayout layout, Shard shard, Precision precision, Device device) {
    this.layout = layout;
    this.shard = shard;
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
    return zeros(spec, precision, frozen, Shard.whole(spec));
  }

  /** Zero weights of one rank. */
  public static Parameters zeros(
      ModelSpec spec, Precision precision, Predicate<String> frozen, Shard shard) {
    ParameterLayout layout = ParameterLayout.of(spec, frozen, shard);
    return new Parameters(layout, shard, precision, new Device("cpu"));
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
    Parameters moved = new Parameters(layout, shard, precision, device);
    moved.weights.copy_(weights);
    close();
    return moved;
  }

  /** Fresh weights: matrices from N(0, initializer_range), norms 1, biases 0. */
  public static Parameters fresh(
      ModelSpec spec, Precision precision, long seed, Predicate<String> frozen) {
    return fresh(spec, precision, seed, frozen, Shard.whole(spec));
  }

  /** Those of one rank: the same values as in the whole model. */
  public static Parameters fresh(
      ModelSpec spec, Precision precision, long seed, Predicate<String> frozen, Shard shard) {
    Parameters parameters = zeros(spec, precision, frozen, shard);
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
                piece.name(),
                piece.shape(),
                piece.rows(),
                piece.columns(),
                piece.own(),
                piece.offset(),
                slot.trainable(),
                slot.kind() == Slot.Kind.EXPERT));
      }
    }
    return all;
  }

  /** What part of the model is here. */
  public Shard shard() {
    return shard;
  }

  /**
   * The gradients of which each rank of the tensor-parallel group has a part: of key/value heads
   * that several ranks hold, and of whole tensors that each applies to other tokens or heads.
   */
  public Partials partials() {
    List<Partial> held = new ArrayList<>();
    long at = 0;
    for (Stored stored : stored()) {
      if (!stored.trainable()) {
        continue;
      }
      if (shard.summed(stored.name())) {
        held.add(new Partial(stored.offset(), stored.elements(), at));
        at += stored.elements();
      } else if (stored.name().contains(".k_proj.") || stored.name().contains(".v_proj.")) {
        long perHead = (long) shard.parts().spec().headDim() * stored.columns().length();
        Range heads = shard.slice().keyValueHeads();
        for (int head : shard.sharedHeads()) {
          if (heads.from() <= head && head < heads.to()) {
            long from = stored.offset() + (head - heads.from()) * perHead;
            held.add(new Partial(from, perHead, at));
          }
          at += perHead;
        }
      }
    }
    return new Partials(List.copyOf(held), at);
  }

  /** The stretches of the trainable weights that the optimiser treats alike. */
  public List<Stretch> stretches() {
    return stretches(_ -> true);
  }

  /** The matrices of a layer, whose gradients are whole once it has gone backwards. */
  public List<Stretch> matrices(int layer) {
    return stretches(slot -> isMatrix(slot) && slot.name().startsWith(layer + "."));
  }

  /** All but the matrices of layers. */
  public List<Stretch> besidesMatrices() {
    return stretches(slot -> !isMatrix(slot) || slot.name().indexOf('.') < 0);
  }

  private static boolean isMatrix(Slot slot) {
    return slot.kind() != Slot.Kind.VECTOR;
  }

  private List<Stretch> stretches(Predicate<Slot> wanted) {
    List<Stretch> stretches = new ArrayList<>();
    for (Slot slot : layout.slots().values()) {
      if (!slot.trainable() || !wanted.test(slot)) {
        continue;
      }
      boolean decayed = isMatrix(slot);
      boolean expert = slot.kind() == Slot.Kind.EXPERT;
      Stretch next = new Stretch(slot.offset(), slot.elements(), decayed, expert);
      if (!stretches.isEmpty() && stretches.getLast().goesOnIn(next)) {
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
