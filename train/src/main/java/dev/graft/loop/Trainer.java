package dev.graft.loop;

import dev.graft.checkpoint.InvalidInputException;
import dev.graft.checkpoint.MoeSpec;
import dev.graft.events.Event;
import dev.graft.events.EventLog;
import dev.graft.events.LayerStats;
import dev.graft.layout.Mesh;
import dev.graft.layout.Range;
import dev.graft.network.LayerGroups;
import dev.graft.network.Libtorch;
import dev.graft.network.MicroBatch;
import dev.graft.network.Network;
import dev.graft.network.NetworkOptions;
import dev.graft.network.Parameters;
import dev.graft.network.Shard;
import dev.graft.network.Stage;
import dev.graft.parallel.Team;
import dev.graft.parallel.Timeline;
import dev.graft.routing.RoutingStats;
import dev.graft.tensorboard.TensorBoardWriter;
import dev.graft.text.Batch;
import dev.graft.text.BatchStream;
import dev.graft.text.Tokenizer;
import dev.graft.text.ValidationBatches;
import dev.graft.text.WeightedTokens;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Predicate;
import org.bytedeco.pytorch.Device;

/** A run, on one process or as one rank of several, from its recipe to its last checkpoint. */
public final class Trainer {
  private final Recipe recipe;
  private final RunListener listener;
  private final RunDirectory directory;
  private final Team team;
  private final StepMemory memory = new StepMemory();
  private final AtomicBoolean stop = new AtomicBoolean();

  /**
   * How a run ended.
   *
   * @param step last step done
   * @param finished whether that was all of them, rather than a request to stop
   * @param loss of the last step; NaN if none was run
   * @param validationLoss the last one measured; empty without a validation dataset
   * @param checkpoint the newest checkpoint
   * @param optimizerBytes of moments that this rank holds
   */
  public record Result(
      int step,
      boolean finished,
      double loss,
      Optional<Double> validationLoss,
      Path checkpoint,
      long optimizerBytes) {}

  /** A run on one process. */
  public Trainer(Recipe recipe, RunListener listener) {
    this(recipe, listener, Team.alone());
  }

  /**
   * One rank of a run; only the first writes events and tells the listener.
   *
   * @param team laid out as the recipe's {@code parallel} says
   */
  public Trainer(Recipe recipe, RunListener listener, Team team) {
    this.team = team;
    this.recipe = recipe;
    this.listener = listener;
    this.directory = new RunDirectory(recipe.out());
  }

  /** Asks the run to save after the step it is in and return. Any thread may ask. */
  public void requestStop() {
    stop.set(true);
  }

  /**
   * Runs to the end, or until asked to stop.
   *
   * @param resume whether to go on from the newest checkpoint of {@code out}, if there is one
   * @throws InvalidInputException if recipe, model or data cannot be used, or {@code out} holds a
   *     run already
   * @throws DivergedException if loss or gradients stop being finite; the last good checkpoint
   *     stays
   */
  public Result run(boolean resume) throws IOException {
    recipe.parallel().mesh().checkWorld(team.world().size());
    if (!resume && team.leads() && Files.exists(directory.events())) {
      throw new InvalidInputException(
          recipe.out()
              + ": a run is there already; go on with it by --resume, or choose another out");
    }
    StartingPoint start = StartingPoint.of(recipe);
    if (recipe.recomputeLayers() > start.spec().numHiddenLayers()) {
      throw new InvalidInputException(
          "recipe: recompute_layers is "
              + recipe.recomputeLayers()
              + " but the model has "
              + start.spec().numHiddenLayers()
              + " layers");
    }
    Mesh mesh = recipe.parallel().mesh();
    mesh.checkModel(start.spec());
    StagePlan plan = StagePlan.of(recipe, start.spec().numHiddenLayers());
    Libtorch.start(recipe.threads(), recipe.deterministic());
    Device device = Libtorch.device(recipe.device());
    memory.started();
    Files.createDirectories(recipe.out());
    if (!team.leads()) {
      team.world().barrier(); // the first has the lock
      return locked(resume, start, plan, device);
    }
    try (RunLock _ = RunLock.of(recipe.out())) {
      team.world().barrier();
      return locked(resume, start, plan, device);
    }
  }

  private Result locked(boolean resume, StartingPoint start, StagePlan plan, Device device)
      throws IOException {
    int stageNumber = team.place().pp();
    Shard shard =
        Shard.of(
            start.spec(), Stage.of(start.spec(), plan.of(stageNumber)), team.mesh(), team.rank());
    Optional<Path> latest = resume ? directory.latest() : Optional.empty();
    List<WeightedTokens> sources =
        recipe.data().train().stream()
            .map(s -> new WeightedTokens(s.tokens(), s.weight()))
            .toList();
    try (BatchStream stream =
            BatchStream.open(
                sources, recipe.sequenceLength(), recipe.seed(), recipe.data().maskDocuments());
        Parameters parameters =
            (latest.isPresent() ? start.blank(recipe, shard) : start.parameters(recipe, shard))
                .on(device);
        AdamW optimizer = optimizer(parameters, start);
        Pipeline pipeline = pipeline(start, parameters, plan, stageNumber)) {
      TrainerState state =
          latest.isPresent()
              ? TrainingCheckpoint.load(latest.get(), parameters, optimizer)
              : new TrainerState(TrainerState.VERSION, 0, 0, 0, alphas(start), recipe.seed());
      if (state.seed() != recipe.seed()) {
        throw new InvalidInputException(
            recipe.out()
                + ": the run was started with seed "
                + state.seed()
                + ", not "
                + recipe.seed()
                + "; resume with its own recipe");
      }
      stream.seek(state.position());
      team.world().barrier(); // all have read the checkpoint
      if (!team.leads()) {
        try (Loop loop =
            new Loop(start, pipeline, parameters, optimizer, stream, Optional.empty(), state)) {
          return loop.run();
        }
      }
      directory.clean(state.step());
      try (EventLog log =
              state.step() > 0 || Files.exists(directory.events())
                  ? EventLog.resume(directory.events(), state.step())
                  : EventLog.append(directory.events());
          Loop loop =
              new Loop(start, pipeline, parameters, optimizer, stream, Optional.of(log), state)) {
        return loop.run();
      }
    }
  }

  private AdamW optimizer(Parameters parameters, StartingPoint start) {
    return recipe.parallel().mesh().zero() == 1
        ? new AdamW(recipe.optimizer(), parameters, replicas(parameters, start).shares())
        : new AdamW(recipe.optimizer(), parameters);
  }

  private Replicas replicas(Parameters parameters, StartingPoint start) {
    return new Replicas(team, parameters, start.spec().tieWordEmbeddings());
  }

  private Pipeline pipeline(
      StartingPoint start, Parameters parameters, StagePlan plan, int number) {
    List<Network> chunks = new ArrayList<>();
    List<Range> held = plan.of(number);
    LayerGroups groups = new LayerGroups(team.tensor(), team.experts());
    for (int c = 0; c < held.size(); c++) {
      NetworkOptions options =
          new NetworkOptions(
              recipe.routing().capacityFactor(),
              recipe.routing().zLoss(),
              plan.recompute(number, c));
      chunks.add(new Network(start.spec(), parameters, options, held.get(c), groups));
    }
    return new Pipeline(chunks, team.pipeline(), team.timeline());
  }

  private List<Double> alphas(StartingPoint start) {
    return start.spec().moe().isPresent()
        ? new ArrayList<>(
            java.util.Collections.nCopies(
                start.spec().numHiddenLayers(), recipe.routing().balance().initial()))
        : List.of();
  }

  /** The steps of one run, with what they work on. */
  private final class Loop implements AutoCloseable {
    private final StartingPoint start;
    private final Pipeline pipeline;
    private final Parameters parameters;
    private final Replicas replicas;
    private final AdamW optimizer;
    private final BatchStream stream;
    private final Optional<EventLog> log;
    private final Optional<TensorBoardWriter> tensorboard;
    private final Optional<Tokenizer> tokenizer;
    private final Schedule schedule = Schedule.of(recipe);
    private final Flops flops;
    private final double peak;
    private final double[] alpha;
    private int step;
    private long tokens;
    private int savedAt = -1;
    private boolean stopping;
    private double lastLoss = Double.NaN;
    private Optional<Double> validationLoss = Optional.empty();

    Loop(
        StartingPoint start,
        Pipeline pipeline,
        Parameters parameters,
        AdamW optimizer,
        BatchStream stream,
        Optional<EventLog> log,
        TrainerState state)
        throws IOException {
      this.start = start;
      this.pipeline = pipeline;
      this.parameters = parameters;
      this.replicas = replicas(parameters, start);
      this.optimizer = optimizer;
      this.stream = stream;
      this.log = log;
      this.flops = Flops.of(start.spec(), recipe.sequenceLength());
      this.peak = team.leads() ? Flops.measurePeak() : 1; // others report nothing
      this.alpha = state.alpha().stream().mapToDouble(Double::doubleValue).toArray();
      this.step = state.step();
      this.tokens = state.tokens();
      boolean samples = !recipe.samples().prompts().isEmpty() && start.companions().isPresent();
      this.tokenizer =
          samples ? Optional.of(Tokenizer.open(start.companions().get())) : Optional.empty();
      this.tensorboard =
          recipe.tensorboard() && team.leads()
              ? Optional.of(TensorBoardWriter.open(directory.tensorboard()))
              : Optional.empty();
      if (state.step() > 0) {
        savedAt = state.step();
      }
    }

    Result run() throws IOException {
      if (team.leads()) {
        listener.started(step, recipe.steps());
      }
      memory.ready();
      if (step == 0) {
        emit(runEvent());
        if (start.spec().moe().isPresent()) {
          similarity();
        }
      }
      while (step < recipe.steps() && !stopping()) {
        step++;
        boolean watched = recipe.timelineSteps().contains(step);
        if (watched) {
          team.world().barrier();
          team.timeline().begin();
        }
        StepTraffic traffic = new StepTraffic(team);
        emit(step());
        if (team.world().size() > 1) {
          emit(traffic.event(step));
        }
        if (watched) {
          emit(StepTimeline.gather(step, team));
          emit(memory.event(step, team));
        }
        if (due(recipe.validation().every()) && recipe.data().validation().isPresent()) {
          validate();
        }
        if (due(recipe.similarityEvery()) && start.spec().moe().isPresent()) {
          similarity();
        }
        if (due(recipe.samples().every())) {
          sample();
        }
        if (due(recipe.checkpointing().every())) {
          save();
        }
      }
      if (savedAt != step) {
        save();
      }
      return new Result(
          step,
          step >= recipe.steps(),
          lastLoss,
          validationLoss,
          directory.checkpoint(step),
          optimizer.bytes());
    }

    private void similarity() throws IOException {
      if (!expertsAreWhole()) {
        return;
      }
      double[] own =
          ExpertSimilarity.measure(start.spec(), parameters).stream()
              .mapToDouble(Double::doubleValue)
              .toArray();
      double[] layers = team.pipeline().allReduceSum(own);
      emit(new Event.Similarity(step, tokens, Arrays.stream(layers).boxed().toList()));
    }

    /** Ranks stop after the same step: they know of a request once all have heard of it. */
    private boolean stopping() {
      return team.world().size() == 1 ? stop.get() : stopping;
    }

    private boolean expertsAreWhole() {
      Mesh mesh = recipe.parallel().mesh();
      return mesh.expertRanks() == 1 && mesh.expertTensorRanks() == 1;
    }

    private boolean due(int every) {
      return step == recipe.steps() || (every > 0 && step % every == 0);
    }

    private Event.Run runEvent() {
      Map<String, Object> model = new LinkedHashMap<>();
      model.put("architecture", start.config().path("architectures").path(0).asString(""));
      model.put("parameters", elements(_ -> true));
      model.put("trainable_parameters", elements(Parameters.Stored::trainable));
      model.put("active_parameters", activeParameters());
      model.put("active_multiplying_parameters", flops.activeWeights());
      model.put("hidden_size", start.spec().hiddenSize());
      model.put("intermediate_size", start.spec().intermediateSize());
      model.put("num_hidden_layers", start.spec().numHiddenLayers());
      model.put("num_attention_heads", start.spec().numAttentionHeads());
      model.put("num_key_value_heads", start.spec().numKeyValueHeads());
      model.put("vocab_size", start.spec().vocabSize());
      start.spec().moe().ifPresent(moe -> describe(model, moe));
      return new Event.Run(
          recipe.name(), recipe.asWritten(), model, flops.perToken(), Flops.FORMULA);
    }

    private long elements(Predicate<Parameters.Stored> which) {
      return start.declare(recipe).stream()
          .filter(which)
          .mapToLong(Parameters.Stored::wholeElements)
          .sum();
    }

    /** All but the experts that a token does not choose. */
    private long activeParameters() {
      long expert = 3L * start.spec().hiddenSize() * start.spec().intermediateSize();
      long idle = start.spec().moe().map(moe -> (long) moe.numExperts() - moe.topK()).orElse(0L);
      return elements(_ -> true) - start.spec().numHiddenLayers() * idle * expert;
    }

    private static void describe(Map<String, Object> model, MoeSpec moe) {
      model.put("num_experts", moe.numExperts());
      model.put("num_experts_per_tok", moe.topK());
      model.put("gating", moe.gating().name().toLowerCase(java.util.Locale.ROOT));
      model.put("gate_norm_std", moe.gateNormStd());
    }

    private Event.Step step() {
      long began = System.nanoTime();
      long position = stream.position();
      int groups = recipe.microBatches();
      int share = groups / team.data().size();
      List<MicroBatch> batches = new ArrayList<>();
      double own = 0;
      stream.seek(position + (long) team.data().rank() * share * recipe.microBatchSize());
      for (int m = 0; m < share; m++) {
        MicroBatch batch = micro(stream.next(recipe.microBatchSize()));
        requireVocabulary(batch);
        batches.add(batch);
        own += batch.counted();
      }
      stream.seek(position + recipe.globalBatchSize());
      double counted = team.data().allReduceSum(new double[] {own})[0];
      if (counted == 0) {
        throw new InvalidInputException(
            "recipe: data.train gave a step "
                + step
                + " whose loss mask counts no token; take data with more assistant text");
      }
      Pipeline.Step done = pipeline.step(batches, 1 / counted, alpha, groups, replicas::begin);
      replicas.reduceGradients();
      StepTotals totals =
          StepTotals.of(
              done,
              team.world().size() == 1 ? 0 : replicas.squaredNorm(),
              stop.get(),
              start.spec(),
              team);
      double loss = totals.lossSum() / counted;
      List<RoutingStats> routing = totals.routing();
      stopping = totals.stop();
      double norm =
          team.world().size() == 1 ? optimizer.gradientNorm() : Math.sqrt(totals.squaredNorm());
      if (!Double.isFinite(loss) || !Double.isFinite(norm)) {
        throw new DivergedException(
            step, position, position + recipe.globalBatchSize(), loss, norm, recipe.out());
      }
      double lr = schedule.at(step);
      team.timeline()
          .during(Timeline.Kind.COMPUTE, "optimizer", () -> optimizer.step(step, lr, norm));
      if (recipe.parallel().mesh().zero() == 1) {
        replicas.gatherWeights();
      }
      tokens += (long) recipe.globalBatchSize() * recipe.sequenceLength();
      lastLoss = loss;
      double seconds = (System.nanoTime() - began) * 1e-9;
      double rate = recipe.globalBatchSize() * (double) recipe.sequenceLength() / seconds;
      List<LayerStats> layers = new ArrayList<>();
      double auxLoss = 0;
      double zLoss = 0;
      for (int l = 0; l < routing.size(); l++) {
        RoutingStats stats = routing.get(l);
        layers.add(layer(l, stats));
        auxLoss += alpha[l] * stats.auxLoss() / groups;
        zLoss += recipe.routing().zLoss() * stats.zLoss() / groups;
        alpha[l] = recipe.routing().balance().next(alpha[l], stats.dropRate());
      }
      return new Event.Step(
          step,
          tokens,
          loss,
          auxLoss,
          zLoss,
          lr,
          norm,
          seconds,
          rate,
          flops.perToken() * rate / peak,
          ResidentSet.bytes(),
          layers);
    }

    private LayerStats layer(int l, RoutingStats stats) {
      double count = stats.tokens();
      List<Double> load =
          Arrays.stream(stats.load()).mapToObj(n -> n / (double) stats.assignments()).toList();
      return new LayerStats(
          l,
          stats.dropRate(),
          alpha[l],
          stats.auxLoss() / stats.groups(),
          stats.max1OverMax2() / count,
          stats.max2OverMax3() / count,
          stats.entropy() / count,
          load);
    }

    private void requireVocabulary(MicroBatch batch) {
      int vocab = start.spec().vocabSize();
      for (long id : batch.ids()) {
        if (id < 0 || id >= vocab) {
          throw new InvalidInputException(
              "recipe: data.train holds token "
                  + id
                  + " but the model's vocab_size is "
                  + vocab
                  + "; tokenize with the model's own tokenizer");
        }
      }
      for (long id : batch.targets()) {
        if (id < 0 || id >= vocab) {
          throw new InvalidInputException(
              "recipe: data.train holds token "
                  + id
                  + " but the model's vocab_size is "
                  + vocab
                  + "; tokenize with the model's own tokenizer");
        }
      }
    }

    private void validate() throws IOException {
      double loss = 0;
      double counted = 0;
      try (ValidationBatches batches =
          ValidationBatches.open(
              recipe.data().validation().orElseThrow(),
              recipe.sequenceLength(),
              recipe.data().maskDocuments())) {
        long all = batches.count();
        long most =
            recipe.validation().sequences() == 0
                ? all
                : Math.min(all, recipe.validation().sequences());
        long turn = 0;
        for (long at = 0; at < most; at += recipe.microBatchSize(), turn++) {
          if (team.replicasAreFree() && turn % team.data().size() != team.data().rank()) {
            continue;
          }
          MicroBatch batch =
              micro(batches.at(at, (int) Math.min(recipe.microBatchSize(), most - at)));
          requireVocabulary(batch);
          loss += pipeline.evaluate(batch);
          counted += batch.counted();
        }
      }
      // Other stages have no loss, other TP ranks the same one.
      boolean speaks =
          team.place().tp() == 0 && (team.replicasAreFree() || team.data().rank() == 0);
      boolean ends = pipeline.chunks().getLast().last();
      double[] sums =
          team.world().allReduceSum(new double[] {speaks ? loss : 0, speaks && ends ? counted : 0});
      loss = sums[0];
      counted = sums[1];
      validationLoss = Optional.of(loss / counted);
      emit(new Event.Validation(step, tokens, loss / counted, (long) counted));
    }

    private void sample() throws IOException {
      if (tokenizer.isEmpty()) {
        return;
      }
      TextSampler sampler = new TextSampler(pipeline.chunks().getFirst(), tokenizer.get(), 0.8);
      for (String prompt : recipe.samples().prompts()) {
        String text = sampler.sample(prompt, recipe.samples().tokens(), recipe.seed() + step);
        emit(new Event.Sample(step, prompt, text));
      }
    }

    private void save() throws IOException {
      if (log.isPresent()) {
        log.get().sync();
      }
      TrainerState state =
          new TrainerState(
              TrainerState.VERSION,
              step,
              tokens,
              stream.position(),
              Arrays.stream(alpha).boxed().toList(),
              recipe.seed());
      Path target = directory.checkpoint(step);
      try {
        TrainingCheckpoint.save(
            target, parameters, optimizer, replicas, state, start, start.declare(recipe), team);
        if (team.leads()) {
          directory.publish(step, recipe.checkpointing().keep());
        }
      } catch (IOException e) {
        boolean full =
            String.valueOf(e.getMessage()).matches("(?s).*(No space left|the disk is full).*");
        throw new IOException(
            target
                + ": the checkpoint could not be written ("
                + (full ? "the disk is full" : e.getMessage())
                + "); the one before is whole: make room and go on from it by --resume",
            e);
      }
      savedAt = step;
      emit(new Event.Saved(step, recipe.out().relativize(target).toString()));
    }

    private void emit(Event event) throws IOException {
      if (log.isEmpty()) {
        return;
      }
      log.get().write(event);
      if (tensorboard.isPresent()) {
        tensorboard.get().write(event);
      }
      listener.event(event);
    }

    @Override
    public void close() throws IOException {
      if (tensorboard.isPresent()) {
        tensorboard.get().close();
      }
      tokenizer.ifPresent(Tokenizer::close);
    }
  }

  private static MicroBatch micro(Batch batch) {
    return new MicroBatch(
        batch.size(),
        batch.sequenceLength(),
        batch.ids(),
        batch.targets(),
        batch.lossMask(),
        batch.documents());
  }
}
