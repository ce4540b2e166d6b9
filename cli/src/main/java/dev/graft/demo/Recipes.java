package dev.graft.demo;

import dev.graft.checkpoint.Checkpoint;
import dev.graft.loop.Recipe;
import dev.graft.loop.RecipeReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.json.JsonMapper;

/** The demo's runs as recipes: what {@code recipe.yaml} says, and what sets a run apart. */
final class Recipes {
  static final String PRETRAINING = "dense-pretraining";
  static final String DENSE_CONTINUED = "dense-continued";
  static final String UPCYCLED = "upcycled";
  static final String FROM_SCRATCH = "from-scratch";

  /** Steps of each arm on the demo's own corpus. */
  static final int ARM_STEPS = 600;

  /** Steps of warm-up, as in {@code recipe.yaml}. */
  static final int WARMUP = 20;

  /** Sequences of a step, as in {@code recipe.yaml}. */
  static final int SEQUENCES = 16;

  /** Tokens of a sequence of the demo's own corpus, as in {@code recipe.yaml}. */
  static final int SEQUENCE_LENGTH = 128;

  /** Most steps of each arm on given text, unless set. */
  static final int GIVEN_STEPS = 200;

  /** Peak learning rate on given text, unless set. */
  static final double GIVEN_LEARNING_RATE = 5e-4;

  private final Path runs;
  private final long seed;

  /**
   * @param runs folder of the runs' folders
   */
  Recipes(Path runs, long seed) {
    this.runs = runs;
    this.seed = seed;
  }

  /** Steps of the dense model's first part: the arms' budget lies well below its cost. */
  static int pretrainingSteps(int armSteps) {
    return armSteps * 5 / 3 + 1;
  }

  /** The dense model's first part, at a constant learning rate: the stable phase of WSD. */
  Recipe pretraining(Corpus corpus, List<String> prompts, List<String> overrides) {
    List<String> own = new ArrayList<>();
    own.add("spec=" + resource("dense.json"));
    own.add("tokenizer=" + quoted(corpus.tokenizer()));
    own.add("optimizer.schedule=constant");
    own.addAll(overrides);
    return recipe(PRETRAINING, corpus.pretraining(), corpus.validation(), prompts, own);
  }

  /** An arm that starts from a model on disk. */
  Recipe from(String name, Path model, Trunk trunk) {
    return arm(name, List.of("model=" + quoted(model)), trunk);
  }

  /** An arm that starts from fresh weights of the same shape as a model on disk. */
  Recipe scratch(String name, Path model, Trunk trunk) throws IOException {
    return arm(
        name, List.of("spec=" + Checkpoint.readConfig(model), "tokenizer=" + quoted(model)), trunk);
  }

  private Recipe arm(String name, List<String> start, Trunk trunk) {
    List<String> own = new ArrayList<>(start);
    own.add("steps=" + ARM_STEPS);
    own.addAll(trunk.overrides());
    return recipe(name, trunk.tokens(), trunk.validation(), trunk.prompts(), own);
  }

  private Recipe recipe(
      String name, Path tokens, Path validation, List<String> prompts, List<String> own) {
    List<String> overrides = new ArrayList<>(own);
    overrides.add("data.train=[{tokens: " + quoted(tokens) + "}]");
    overrides.add("data.validation=" + quoted(validation));
    overrides.add("samples.prompts=" + JsonMapper.shared().writeValueAsString(prompts));
    overrides.add("seed=" + seed);
    // Reports over several demos take the seed off the name and show a mean and a spread.
    overrides.add("name=" + name + "-seed" + seed);
    overrides.add("out=" + quoted(runs.resolve(name)));
    return RecipeReader.read("the demo's recipe.yaml", resource("recipe.yaml"), overrides);
  }

  private static String quoted(Path path) {
    return JsonMapper.shared().writeValueAsString(path.toString());
  }

  private static String resource(String name) {
    try (InputStream in = Recipes.class.getResourceAsStream(name)) {
      if (in == null) {
        throw new IllegalStateException(name + " is missing from the build; run ./mvnw package");
      }
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException("could not read the demo's " + name, e);
    }
  }
}
