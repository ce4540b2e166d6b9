package dev.graft.inference;

import dev.graft.checkpoint.InvalidInputException;
import dev.graft.checkpoint.ModelSpec;
import dev.graft.cluster.Cluster;
import dev.graft.cluster.ComputeType;
import dev.graft.cluster.Device;
import dev.graft.cluster.Link;
import dev.graft.cost.TransformerShape;
import dev.graft.layout.Footprint;
import dev.graft.layout.Range;
import dev.graft.layout.Shares;
import dev.graft.layout.TensorParallel;
import dev.graft.layout.TensorSlice;
import dev.graft.layout.WeightBytes;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;

/**
 * A model dealt out to all devices of a cluster by tensor parallelism, and what a step of it takes.
 *
 * <p>Roofline (Williams, Waterman and Patterson, CACM 52 (2009) 4): each part of a layer takes the
 * longer of its arithmetic and its reading, at a fixed share of the data sheet's rates; parts
 * follow each other. Two sums over the ranks a layer (Megatron-LM, arXiv 1909.08053) take 2 (p − 1)
 * / p of their bytes over the slowest link and 2 ⌈log₂ p⌉ of its latencies (Rabenseifner's
 * algorithm: Thakur, Rabenseifner and Gropp, IJHPCA 19 (2005) 49–66). Activations, norms and
 * sampling are left out.
 */
public final class InferenceModel {
  /**
   * The share of a data sheet's FLOP/s that products reach. This, {@link #READING_SHARE} and {@link
   * #LAUNCH} were chosen once, on the eight published rows of Llama 3.3 70B on two H100, and are
   * the same for every device and model.
   */
  static final double ARITHMETIC_SHARE = 0.55;

  /** The share of a data sheet's bandwidth that reading reaches. */
  static final double READING_SHARE = 0.85;

  /** Seconds of a layer in which the device waits for the host: launches, sampling, scheduling. */
  static final double LAUNCH = 60e-6;

  /** Bytes of a rank for the program, buffers of exchanges and activations. */
  static final double PROGRAM = 0.6e9;

  private static final int SUMS_PER_LAYER = 2;
  private static final int STREAM_BYTES = 2;

  private final TransformerShape shape;
  private final Cluster cluster;
  private final Serving serving;
  private final TensorParallel layout;
  private final List<RankWeights> ranks;

  private InferenceModel(
      TransformerShape shape,
      Cluster cluster,
      Serving serving,
      TensorParallel layout,
      List<RankWeights> ranks) {
    this.shape = shape;
    this.cluster = cluster;
    this.serving = serving;
    this.layout = layout;
    this.ranks = List.copyOf(ranks);
  }

  /**
   * Deals the model out.
   *
   * @param shares one per device
   * @throws InvalidInputException if the model cannot be dealt out so
   */
  public static InferenceModel of(
      TransformerShape shape, Cluster cluster, Serving serving, Shares shares) {
    if (shares.ranks() != cluster.size()) {
      throw new InvalidInputException(
          "--shares names %d ranks, but %s has %d devices; give one share per device"
              .formatted(shares.ranks(), cluster.name(), cluster.size()));
    }
    ModelSpec spec = ServedShape.of(shape, shape.layers());
    TensorParallel layout = TensorParallel.of(spec, shares);
    List<Range> shared = shares.split(shape.experts().sharedFfn(), 0);
    List<RankWeights> ranks = new ArrayList<>();
    for (int r = 0; r < layout.ranks(); r++) {
      ranks.add(rank(shape, shares, r, serving, shared.get(r).length()));
    }
    return new InferenceModel(shape, cluster, serving, layout, ranks);
  }

  /** All layers are alike, so two models of one and two layers tell how a rank grows with them. */
  private static RankWeights rank(
      TransformerShape shape, Shares shares, int rank, Serving serving, double sharedColumns) {
    RankWeights one = rank(ServedShape.of(shape, 1), shares, rank, serving);
    RankWeights two = rank(ServedShape.of(shape, 2), shares, rank, serving);
    RankWeights whole = one.plus(two.minus(one).times(shape.layers() - 1.0));
    double shared = 3.0 * shape.hidden() * sharedColumns * shape.experts().layers();
    double perWeight = whole.experts() == 0 ? 0 : whole.expertBytes() / whole.experts();
    return whole.withShared(shared, shared * perWeight);
  }

  private static RankWeights rank(ModelSpec spec, Shares shares, int rank, Serving serving) {
    TensorParallel layout = TensorParallel.of(spec, shares);
    WeightBytes bytes = WeightBytes.planned(serving.weights());
    Footprint footprint = Footprint.of(layout, rank, bytes, serving.cacheBytes());
    double attention = 0;
    double experts = 0;
    double head = 0;
    double headBytes = 0;
    for (TensorSlice part : layout.tensors(rank)) {
      String name = part.name();
      if (name.contains(".self_attn.") && !name.endsWith("norm.weight")) {
        attention += part.elements();
      } else if (name.contains(".experts.") || name.contains(".mlp.")) {
        experts += part.elements();
      } else if (name.startsWith("lm_head")
          || (spec.tieWordEmbeddings() && name.equals("model.embed_tokens.weight"))) {
        head += part.elements();
        headBytes += bytes.of(part);
      }
    }
    return new RankWeights(
        footprint.weights(),
        footprint.perToken(),
        footprint.attention(),
        footprint.feedForward(),
        0,
        headBytes,
        attention,
        experts,
        0,
        head);
  }

  /** Who holds what. */
  public TensorParallel layout() {
    return layout;
  }

  /** The devices. */
  public Cluster cluster() {
    return cluster;
  }

  /** How it is served. */
  public Serving serving() {
    return serving;
  }

  /** Bytes of a rank's weights. */
  public double weightBytes(int rank) {
    return ranks.get(rank).bytes();
  }

  /** Bytes of the cache that a token takes on a rank. */
  public double cacheBytes(int rank) {
    return ranks.get(rank).cacheBytes();
  }

  /** Bytes that a rank may use beside the program. */
  public double room(int rank) {
    return cluster.device(rank).memory() * serving.memoryShare() - PROGRAM;
  }

  /** Tokens of cache that every rank has room for; negative where the weights of one do not fit. */
  public double cacheTokens() {
    return IntStream.range(0, layout.ranks())
        .mapToDouble(r -> Math.floor((room(r) - weightBytes(r)) / cacheBytes(r)))
        .min()
        .orElseThrow();
  }

  /** Whether weights and at least one token of cache fit. */
  public boolean fits() {
    return cacheTokens() >= 1;
  }

  /** The rank that has room for the fewest tokens, or lacks the most for its weights. */
  public int fullest() {
    return IntStream.range(0, layout.ranks())
        .boxed()
        .min(Comparator.comparingDouble(this::left))
        .orElseThrow();
  }

  private double left(int rank) {
    double bytes = room(rank) - weightBytes(rank);
    return bytes < 0 ? bytes : bytes / cacheBytes(rank);
  }

  /**
   * A step of decoding: one token of each sequence.
   *
   * @param batch sequences
   * @param context tokens that each attends to
   */
  public StepTime decode(double batch, double context) {
    return step(batch, batch * context, batch);
  }

  /**
   * Reading prompts.
   *
   * @param prompts how many
   * @param length tokens of each
   */
  public StepTime prefill(double prompts, double length) {
    // A causal mask leaves half of the positions; the cache is read once, not by every token.
    return step(prompts * length, prompts * length * length / 2, prompts);
  }

  /**
   * @param tokens that pass the layers
   * @param pairs of a token and a position it attends to
   * @param rows that the output head turns into logits
   */
  private StepTime step(double tokens, double pairs, double rows) {
    return StepTime.Sum.slowest(
        IntStream.range(0, layout.ranks()).mapToObj(r -> step(r, tokens, pairs, rows)).toList());
  }

  private StepTime step(int rank, double tokens, double pairs, double rows) {
    Device device = cluster.device(rank);
    RankWeights held = ranks.get(rank);
    ComputeType type = serving.compute(device.peak().keySet());
    double products = device.peak(type) * ARITHMETIC_SHARE;
    double scores = device.peak(ComputeType.BF16) * ARITHMETIC_SHARE;
    double reading = device.memoryBandwidth() * READING_SHARE;
    StepTime.Sum sum = new StepTime.Sum();
    part(
        sum,
        Limit.WEIGHTS,
        held.attentionBytes() / reading,
        2 * tokens * held.attention() / products);
    TransformerShape.Experts experts = shape.experts();
    boolean moe = experts.layers() > 0;
    double touched =
        moe ? Occupancy.distinct(experts.count(), experts.topK(), tokens) / experts.count() : 1;
    double active = moe ? (double) experts.topK() / experts.count() : 1;
    part(
        sum,
        Limit.WEIGHTS,
        touched * held.expertBytes() / reading,
        2 * tokens * active * held.experts() / products);
    part(sum, Limit.WEIGHTS, held.sharedBytes() / reading, 2 * tokens * held.shared() / products);
    part(sum, Limit.WEIGHTS, held.headBytes() / reading, 2 * rows * held.head() / scores);
    double width = layout.slice(rank).heads().length() * (double) shape.headDim();
    double cached = tokens == rows ? pairs : tokens;
    part(
        sum,
        Limit.CACHE,
        cached * held.cacheBytes() / reading,
        4 * pairs * width * shape.layers() / scores);
    int size = layout.ranks();
    if (size > 1) {
      Link link = size > cluster.nodeSize() ? cluster.between() : cluster.inside();
      double bytes = tokens * shape.hidden() * STREAM_BYTES;
      double sums = SUMS_PER_LAYER * shape.layers();
      sum.add(Limit.NETWORK, sums * 2 * (size - 1) / size * bytes / link.bandwidth());
      int hops = 2 * (Integer.SIZE - Integer.numberOfLeadingZeros(size - 1));
      sum.add(Limit.LATENCY, sums * hops * link.latency());
    }
    sum.add(Limit.LATENCY, shape.layers() * LAUNCH);
    return sum.end();
  }

  /** The longer of reading and arithmetic. */
  private static void part(StepTime.Sum sum, Limit reading, double read, double arithmetic) {
    sum.add(read >= arithmetic ? reading : Limit.ARITHMETIC, Math.max(read, arithmetic));
  }
}
