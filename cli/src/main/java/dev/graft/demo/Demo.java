package dev.graft.demo;

import dev.graft.checkpoint.Checkpoint;
import dev.graft.checkpoint.CheckpointWriter;
import dev.graft.checkpoint.Gating;
import dev.graft.checkpoint.InvalidInputException;
import dev.graft.checkpoint.ModelSpec;
import dev.graft.loop.Recipe;
import dev.graft.loop.RecipeReader;
import dev.graft.loop.Trainer;
import dev.graft.upcycle.Upcycle;
import dev.graft.upcycle.UpcycleOptions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;

/**
 * From a dense checkpoint, one equal budget of tokens spent three ways: the dense model continued,
 * the same model upcycled, and experts from scratch (arXiv 2406.06563, section on upcycling). All
 * three see the same tokens in the same order under the same schedule.
 */
public final class Demo {
  private static final int EXPERTS = 8;
  private static final int TOP_K = 2;
  private static final long VALIDATION_TOKENS = 256 * Recipes.SEQUENCE_LENGTH + 1;
  private static final List<String> PROMPTS =
      List.of("In Velmora the", "In Ashford the", "In Dunmere the", "In Larkhaven the");

  private final DemoOptions options;
  private final DemoListener listener;
  private final Recipes recipes;

  public Demo(DemoOptions options, DemoListener listener) {
    this.options = options;
    this.listener = listener;
    this.recipes = new Recipes(options.out().resolve("runs"), options.seed());
  }

  /**
   * Runs it all and writes {@code summary.json} and {@code report.html}.
   *
   * @throws InvalidInputException if {@code out} is taken, or the model or text cannot be used
   */
  public DemoResult run() throws IOException {
    CheckpointWriter.requireFree(options.out());
    Trunk trunk = options.from().isPresent() ? given(options.from().get()) : grown();
    RunOutcome dense =
        train(
            Recipes.DENSE_CONTINUED,
            recipes.from(Recipes.DENSE_CONTINUED, trunk.checkpoint(), trunk));
    Path moe = options.out().resolve("upcycled");
    Upcycle.run(
        trunk.checkpoint(),
        moe,
        new UpcycleOptions(
            EXPERTS,
            TOP_K,
            Gating.NORMALIZED,
            1.0,
            List.of(),
            0,
            0,
            false,
            options.seed(),
            CheckpointWriter.parseSize("5GB")),
        _ -> {});
    listener.done("upcycled to " + EXPERTS + " experts, top-" + TOP_K + ": " + moe);
    RunOutcome upcycled = train(Recipes.UPCYCLED, recipes.from(Recipes.UPCYCLED, moe, trunk));
    RunOutcome scratch =
        train(Recipes.FROM_SCRATCH, recipes.scratch(Recipes.FROM_SCRATCH, moe, trunk));
    DemoResult result =
        new DemoResult(
            trunk.grown().map(Trunk.Grown::pretraining),
            dense,
            upcycled,
            scratch,
            trunk.grown().isPresent()
                ? OptionalDouble.of(trunk.grown().get().corpus().floor())
                : OptionalDouble.empty(),
            options.out().resolve("summary.json"),
            options.out().resolve("report.html"));
    trunk
        .grown()
        .ifPresent(grown ->
            listener.done(
                "right in the samples: "
                    + FactCheck.sentence(grown.corpus().world(), result.arms())));
    DemoSummary.write(result, options, trunk.grown());
    DemoReport.write(result, options, trunk);
    return result;
  }

  /** The demo's own corpus and model. */
  private Trunk grown() throws IOException {
    int steps = options.steps().orElse(Recipes.ARM_STEPS);
    int pretrainingSteps = Recipes.pretrainingSteps(steps);
    Corpus corpus =
        Corpus.write(
            options.out().resolve("corpus"),
            Lexicon.bundled(),
            options.seed(),
            tokens(pretrainingSteps),
            tokens(steps),
            VALIDATION_TOKENS);
    listener.done(
        String.format(
            Locale.ROOT,
            "corpus: %,d facts told in %,d tokens, none of them twice; who knows them all has a loss of %.4f",
            corpus.world().facts(),
            tokens(pretrainingSteps) + tokens(steps),
            corpus.floor()));
    List<String> own = new ArrayList<>(overrides());
    own.add("steps=" + pretrainingSteps);
    RunOutcome pretraining = train(Recipes.PRETRAINING, recipes.pretraining(corpus, PROMPTS, own));
    return new Trunk(
        pretraining.checkpoint(),
        corpus.continuation(),
        corpus.validation(),
        PROMPTS,
        overrides(),
        Optional.of(new Trunk.Grown(corpus, pretraining)));
  }

  /** A model and text of the user's own. */
  private Trunk given(Path model) throws IOException {
    int sequenceLength;
    try (Checkpoint checkpoint = Checkpoint.open(model)) {
      ModelSpec spec = checkpoint.spec();
      if (spec.moe().isPresent()) {
        throw new InvalidInputException(
            "--from "
                + model
                + ": the model has experts already; the demo starts from a dense one");
      }
      sequenceLength = Math.min(256, spec.maxPositionEmbeddings());
    }
    GivenText text = GivenText.write(options.out().resolve("corpus"), model, options.texts());
    listener.done(
        String.format(
            Locale.ROOT, "text: %,d tokens to train on, from %s", text.trainingTokens(), model));
    long available = (text.trainingTokens() - 1) / sequenceLength / Recipes.SEQUENCES;
    List<String> overrides = new ArrayList<>();
    overrides.add("sequence_length=" + sequenceLength);
    overrides.add("steps=" + Math.clamp(available, 1, Recipes.GIVEN_STEPS));
    overrides.add("optimizer.lr=" + Recipes.GIVEN_LEARNING_RATE);
    overrides.add("optimizer.min_lr=" + Recipes.GIVEN_LEARNING_RATE / 10);
    overrides.add("validation.sequences=64");
    overrides.addAll(overrides());
    return new Trunk(
        model,
        text.tokens(),
        text.validation(),
        List.of(text.prompt()),
        overrides,
        Optional.empty());
  }

  /** What the user set for every run. */
  private List<String> overrides() {
    List<String> overrides = new ArrayList<>();
    options
        .steps()
        .ifPresent(steps -> {
          overrides.add("steps=" + steps);
          // A short run must not be all warm-up.
          overrides.add("optimizer.warmup_steps=" + Math.clamp(steps / 10, 1, Recipes.WARMUP));
        });
    options.learningRate().ifPresent(lr -> overrides.add("optimizer.lr=" + lr));
    return overrides;
  }

  /** Enough for so many steps, and the token after the last. */
  private static long tokens(int steps) {
    return (long) steps * Recipes.SEQUENCES * Recipes.SEQUENCE_LENGTH + 1;
  }

  private RunOutcome train(String name, Recipe recipe) throws IOException {
    Path file = options.out().resolve("recipes").resolve(name + ".yaml");
    Files.createDirectories(file.getParent());
    Files.writeString(file, RecipeReader.print(recipe));
    Trainer.Result trained = new Trainer(recipe, listener.training(name)).run(false);
    RunOutcome outcome = RunOutcome.of(name, recipe.out(), trained.checkpoint());
    listener.trained(outcome);
    return outcome;
  }
}
