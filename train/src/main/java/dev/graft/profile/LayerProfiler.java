package dev.graft.profile;

import dev.graft.calibration.Profile;
import dev.graft.checkpoint.ModelSpec;
import dev.graft.checkpoint.MoeSpec;
import dev.graft.layout.Range;
import dev.graft.loop.AdamW;
import dev.graft.loop.Recipe;
import dev.graft.loop.StartingPoint;
import dev.graft.loop.StepMemory;
import dev.graft.network.LayerGroups;
import dev.graft.network.Libtorch;
import dev.graft.network.MicroBatch;
import dev.graft.network.Network;
import dev.graft.network.NetworkOptions;
import dev.graft.network.Parameters;
import dev.graft.network.Shard;
import dev.graft.routing.Balance;
import dev.graft.text.Batch;
import dev.graft.text.BatchStream;
import dev.graft.text.WeightedTokens;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.DoubleConsumer;
import java.util.function.ToLongFunction;
import org.bytedeco.pytorch.Tensor;

/**
 * Measures what a micro-batch takes layer by layer, with the recipe's weights and data: the same
 * passes as in training, cut at every layer, each piece at its place in the step so that caches
 * hold what they hold there. The weights stay as they are (learning rate 0).
 */
public final class LayerProfiler implements AutoCloseable {
  /** A coefficient in the range of the adaptive one: the auxiliary loss goes backwards too. */
  private static final double ALPHA = 1e-3;

  private static final int LEAST_ROUNDS = 3;

  /** Of a step, at most; more tell nothing new. */
  private static final int MICRO_BATCHES = 4;

  private static final int MEMORY_ROUNDS = 5;

  private final Recipe recipe;
  private final StartingPoint start;
  private final BatchStream stream;
  private final Parameters parameters;
  private final AdamW optimizer;
  private final Chain kept;
  private final Chain recomputed;
  private final double[] alpha;
  private final int microBatches;
  private final NativeMemory memory = new NativeMemory();
  private final PieceSamples embedding = new PieceSamples();
  private final List<PieceSamples> layers = new ArrayList<>();
  private final PieceSamples head = new PieceSamples();
  private final Samples data = new Samples();
  private final Samples clear = new Samples();
  private final Samples norm = new Samples();
  private final Samples update = new Samples();
  private final long baseline;
  private long peak;

  /**
   * The model as separate pieces on the same weights; a piece of no layers is embedding or head.
   */
  private record Chain(Network embedding, List<Network> layers, Network head) {
    static Chain of(StartingPoint start, Parameters parameters, Recipe recipe, int recompute) {
      NetworkOptions options =
          new NetworkOptions(
              recipe.routing().capacityFactor(), recipe.routing().zLoss(), recompute);
      int count = start.spec().numHiddenLayers();
      List<Network> layers = new ArrayList<>();
      for (int l = 0; l < count; l++) {
        layers.add(
            new Network(
                start.spec(), parameters, options, new Range(l, l + 1), LayerGroups.solo()));
      }
      return new Chain(
          new Network(start.spec(), parameters, options, new Range(0, 0), LayerGroups.solo()),
          layers,
          new Network(
              start.spec(), parameters, options, new Range(count, count), LayerGroups.solo()));
    }

    void close() {
      embedding.close();
      layers.forEach(Network::close);
      head.close();
    }
  }

  /**
   * Reads the recipe's model and data.
   *
   * @throws dev.graft.checkpoint.InvalidInputException if they cannot be used
   */
  public LayerProfiler(Recipe recipe) throws IOException {
    this.recipe = recipe;
    this.start = StartingPoint.of(recipe);
    Libtorch.start(recipe.threads(), recipe.deterministic());
    this.baseline = StepMemory.baseline();
    List<WeightedTokens> sources =
        recipe.data().train().stream()
            .map(s -> new WeightedTokens(s.tokens(), s.weight()))
            .toList();
    this.stream =
        BatchStream.open(
            sources, recipe.sequenceLength(), recipe.seed(), recipe.data().maskDocuments());
    this.parameters = start.parameters(recipe, Shard.whole(start.spec()));
    this.optimizer = new AdamW(recipe.optimizer(), parameters);
    this.kept = Chain.of(start, parameters, recipe, 0);
    this.recomputed = Chain.of(start, parameters, recipe, 1);
    this.alpha = new double[start.spec().numHiddenLayers()];
    Arrays.fill(alpha, recipe.routing().balance() instanceof Balance.None ? 0 : ALPHA);
    this.microBatches =
        Math.min(MICRO_BATCHES, recipe.microBatches() / recipe.parallel().mesh().dp());
    for (int l = 0; l < start.spec().numHiddenLayers(); l++) {
      layers.add(new PieceSamples());
    }
  }

  /**
   * Measures. Of the time given the first third warms up.
   *
   * @param seconds about how long; at least {@value #LEAST_ROUNDS} rounds are measured
   * @param progress hears the share of the time that is over
   */
  public void run(double seconds, DoubleConsumer progress) throws IOException {
    long began = System.nanoTime();
    double past = 0;
    boolean warm = false;
    for (int measured = 0; past < seconds || measured < LEAST_ROUNDS; ) {
      round(warm);
      measured += warm ? 1 : 0;
      past = (System.nanoTime() - began) * 1e-9;
      warm = past > seconds / 3;
      progress.accept(Math.min(1, past / seconds));
    }
    peak = memory.peak();
    memory();
  }

  /**
   * Runs a step of some micro-batches, and one that recomputes: between two micro-batches of a step
   * caches keep what they keep in training.
   *
   * @param counts whether it is measured
   */
  private void round(boolean counts) {
    long began = System.nanoTime();
    kept.head().clearGradients();
    add(clear, began, counts);
    for (int micro = 0; micro < microBatches; micro++) {
      began = System.nanoTime();
      MicroBatch batch = read();
      add(data, began, counts);
      pass(kept, batch, false, micro == 0, counts);
    }
    began = System.nanoTime();
    double gradient = optimizer.gradientNorm();
    add(norm, began, counts);
    began = System.nanoTime();
    optimizer.step(1, 0, gradient);
    add(update, began, counts);
    for (int micro = 0; micro < microBatches; micro++) {
      pass(recomputed, read(), true, micro == 0, counts);
    }
  }

  private MicroBatch read() {
    Batch read = stream.next(recipe.microBatchSize());
    return new MicroBatch(
        read.size(),
        read.sequenceLength(),
        read.ids(),
        read.targets(),
        read.lossMask(),
        read.documents());
  }

  /** After some rounds, so that libraries have what they keep. */
  private void memory() throws IOException {
    for (int i = 0; i < MEMORY_ROUNDS; i++) {
      MicroBatch batch = read();
      memoryPass(kept, batch, false);
      memoryPass(recomputed, batch, true);
    }
  }

  private void pass(Chain chain, MicroBatch batch, boolean again, boolean fresh, boolean counts) {
    long began = System.nanoTime();
    Network.Pass first = chain.embedding().forward(batch, Optional.empty());
    add(embedding.forward, began, counts && !again);
    List<Network.Pass> passes = new ArrayList<>();
    Tensor x = first.output();
    for (int l = 0; l < layers.size(); l++) {
      began = System.nanoTime();
      Network.Pass pass = chain.layers().get(l).forward(batch, Optional.of(x));
      add(layers.get(l).forward, began, counts && !again);
      passes.add(pass);
      x = pass.output();
    }
    double scale = 1 / Math.max(1, batch.counted());
    if (!again) {
      Network.Pass end = chain.head().forward(batch, Optional.of(x));
      began = System.nanoTime();
      release(back(chain.head(), end, Optional.empty(), scale, fresh));
      add(head.backward, began, counts);
    }
    Optional<Tensor> gradient = Optional.empty();
    for (int l = layers.size() - 1; l >= 0; l--) {
      began = System.nanoTime();
      Tensor next = back(chain.layers().get(l), passes.get(l), gradient, scale, fresh);
      add(again ? layers.get(l).backwardRecomputed : layers.get(l).backward, began, counts);
      gradient.ifPresent(LayerProfiler::release);
      gradient = Optional.of(next);
    }
    began = System.nanoTime();
    release(back(chain.embedding(), first, gradient, scale, fresh));
    add(embedding.backward, began, counts && !again);
    gradient.ifPresent(LayerProfiler::release);
  }

  private void memoryPass(Chain chain, MicroBatch batch, boolean again) throws IOException {
    Network.Pass first;
    long before = memory.allocated();
    first = chain.embedding().forward(batch, Optional.empty());
    (again ? embedding.keptIfRecomputed : embedding.kept).add(memory.allocated() - before);
    List<Network.Pass> passes = new ArrayList<>();
    Tensor x = first.output();
    for (int l = 0; l < layers.size(); l++) {
      PieceSamples samples = layers.get(l);
      before = memory.allocated();
      long resident = memory.startPeak();
      Network.Pass pass = chain.layers().get(l).forward(batch, Optional.of(x));
      samples.forwardPeak.add(memory.peak() - resident);
      (again ? samples.keptIfRecomputed : samples.kept).add(memory.allocated() - before);
      passes.add(pass);
      x = pass.output();
    }
    double scale = 1 / Math.max(1, batch.counted());
    Network.Pass end = chain.head().forward(batch, Optional.of(x));
    long resident = memory.startPeak();
    release(back(chain.head(), end, Optional.empty(), scale, true));
    head.backwardPeak.add(memory.peak() - resident);
    Optional<Tensor> gradient = Optional.empty();
    for (int l = layers.size() - 1; l >= 0; l--) {
      resident = memory.startPeak();
      Tensor next = back(chain.layers().get(l), passes.get(l), gradient, scale, true);
      if (!again) {
        layers.get(l).backwardPeak.add(memory.peak() - resident);
      }
      gradient.ifPresent(LayerProfiler::release);
      gradient = Optional.of(next);
    }
    resident = memory.startPeak();
    release(back(chain.embedding(), first, gradient, scale, true));
    embedding.backwardPeak.add(memory.peak() - resident);
    gradient.ifPresent(LayerProfiler::release);
  }

  private Tensor back(
      Network network, Network.Pass pass, Optional<Tensor> gradient, double scale, boolean fresh) {
    return network.backward(pass, gradient, scale, alpha, recipe.microBatches(), fresh).gradient();
  }

  private static void release(Tensor tensor) {
    tensor.releaseReference();
  }

  private static void add(Samples samples, long began, boolean counts) {
    if (counts) {
      samples.add((System.nanoTime() - began) * 1e-9);
    }
  }

  /** The look-up of the embedding and its gradient. */
  public Profile.Piece embedding() {
    return embedding.medians();
  }

  /** Final norm, output head and loss. */
  public Profile.Piece head() {
    return head.medians();
  }

  /**
   * A layer: the mean over layers of their medians. The first one's backward pass includes the
   * embedding's and the last one's the head's, so where there are others those speak.
   */
  public Profile.Piece layer() {
    int count = layers.size();
    List<Profile.Piece> pieces = layers.stream().map(PieceSamples::medians).toList();
    List<Profile.Piece> inner = count > 2 ? pieces.subList(1, count - 1) : List.of();
    double backward =
        count > 2
            ? inner.stream().mapToDouble(Profile.Piece::backward).average().orElseThrow()
            : Math.max(
                0,
                (pieces.stream().mapToDouble(Profile.Piece::backward).sum()
                        - embedding.backward.median()
                        - head.backward.median())
                    / count);
    List<Profile.Piece> alone = inner.isEmpty() ? pieces : inner;
    return new Profile.Piece(
        pieces.stream().mapToDouble(Profile.Piece::forward).average().orElseThrow(),
        backward,
        alone.stream().mapToDouble(Profile.Piece::recompute).average().orElseThrow(),
        median(pieces, Profile.Piece::keptBytes),
        median(pieces, Profile.Piece::keptIfRecomputedBytes),
        pieces.stream().mapToLong(Profile.Piece::forwardPeakBytes).max().orElseThrow(),
        alone.stream().mapToLong(Profile.Piece::backwardPeakBytes).max().orElseThrow());
  }

  /** Layers hold alike; a compiler that works beside one of them takes memory, too. */
  private static long median(List<Profile.Piece> pieces, ToLongFunction<Profile.Piece> bytes) {
    Samples samples = new Samples();
    pieces.forEach(piece -> samples.add(bytes.applyAsLong(piece)));
    return Math.round(samples.median());
  }

  /** What a step does once. */
  public Profile.Optimizer optimizer() {
    return new Profile.Optimizer(
        parameters.flatGradients().numel(),
        parameters.stretches().size(),
        clear.median(),
        norm.median(),
        update.median());
  }

  /** Seconds of reading a micro-batch. */
  public double dataSeconds() {
    return data.median();
  }

  /**
   * Resident at the fullest moment of the passes beyond the model's tensors: with all activations
   * kept, at the piece that needs the most while it runs.
   */
  public long processBytes() {
    long state =
        parameters.flatWeights().nbytes() + parameters.flatGradients().nbytes() + optimizer.bytes();
    Profile.Piece layer = layer();
    long kept = embedding().keptBytes() + layers.size() * layer.keptBytes();
    long working = Math.max(layer.backwardPeakBytes(), head().backwardPeakBytes());
    return Math.max(0, peak - baseline - state - kept - working);
  }

  /** The shape of a model as profiles name it. */
  public static Profile.Model shape(ModelSpec spec) {
    return new Profile.Model(
        spec.family().architecture(),
        spec.hiddenSize(),
        spec.intermediateSize(),
        spec.numHiddenLayers(),
        spec.numAttentionHeads(),
        spec.numKeyValueHeads(),
        spec.headDim(),
        spec.vocabSize(),
        spec.tieWordEmbeddings(),
        spec.moe().map(MoeSpec::numExperts).orElse(0),
        spec.moe().map(MoeSpec::topK).orElse(0));
  }

  /** The shape that was measured. */
  public Profile.Model model() {
    return shape(start.spec());
  }

  @Override
  public void close() {
    kept.close();
    recomputed.close();
    optimizer.close();
    parameters.close();
    stream.close();
  }
}
