package dev.graft.demo;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.graft.checkpoint.Checkpoint;
import dev.graft.checkpoint.InvalidInputException;
import dev.graft.loop.Recipe;
import dev.graft.loop.RecipeReader;
import dev.graft.loop.RunListener;
import dev.graft.text.IndexedDataset;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The whole demo with a few steps; what the full budget shows is in docs/benchmarks.md. */
class DemoTest {
  private static final int STEPS = 3;

  @TempDir private Path directory;

  private static final class Heard implements DemoListener {
    private final List<String> runs = new ArrayList<>();

    @Override
    public void done(String what) {}

    @Override
    public RunListener training(String run) {
      return RunListener.SILENT;
    }

    @Override
    public void trained(RunOutcome outcome) {
      runs.add(outcome.name());
    }
  }

  private DemoOptions grown(String out) {
    return new DemoOptions(
        directory.resolve(out),
        5,
        Optional.empty(),
        List.of(),
        Optional.of(STEPS),
        Optional.empty());
  }

  private static List<Recipe> recipes(Path out) throws IOException {
    List<Recipe> recipes = new ArrayList<>();
    try (var files = Files.list(out.resolve("recipes"))) {
      for (Path file : files.sorted().toList()) {
        recipes.add(RecipeReader.read(file, List.of()));
      }
    }
    return recipes;
  }

  @Test
  void theThreeArmsSpendOneBudget() throws IOException {
    Heard heard = new Heard();
    DemoResult result = new Demo(grown("a"), heard).run();
    assertEquals(
        List.of("dense-pretraining", "dense-continued", "upcycled", "from-scratch"), heard.runs);
    assertEquals(
        Set.of(2_048L * STEPS),
        Set.copyOf(result.arms().stream().map(RunOutcome::tokens).toList()));
    long ffn = 2 * 3 * 64 * 96;
    long gates = 2 * 8 * 64;
    long dense = 2 * 512 * 64 + 2 * 4 * 64 * 64 + ffn + 5 * 64;
    assertEquals(dense, result.denseContinued().parameters());
    assertEquals(dense + 7 * ffn + gates, result.upcycled().parameters());
    assertEquals(dense + 7 * ffn + gates, result.fromScratch().parameters());
    assertTrue(result.floor().orElseThrow() < result.upcycled().validationLoss());

    JsonNode summary = JsonMapper.shared().readTree(result.summary().toFile());
    assertEquals(
        Set.of("dense-continued", "upcycled", "from-scratch"),
        Set.copyOf(summary.get("runs").propertyNames()));
    for (RunOutcome arm : result.arms()) {
      JsonNode run = summary.get("runs").get(arm.name());
      assertEquals(arm.tokens(), run.get("tokens").asLong());
      assertEquals(arm.validationLoss(), run.get("validation_loss").asDouble());
      assertEquals(4, arm.samples().size());
    }
    String page = Files.readString(result.report());
    assertTrue(page.contains("5,916 facts"));
    assertTrue(page.contains("dense-continued"));
  }

  /** Equal budgets, and no sequence twice: the recipes as they were run. */
  @Test
  void theRecipesDifferOnlyInWhereTheyStart() throws IOException {
    DemoResult result = new Demo(grown("b"), new Heard()).run();
    List<Recipe> recipes = recipes(result.report().getParent());
    List<Recipe> arms =
        recipes.stream().filter(r -> !r.out().endsWith("dense-pretraining")).toList();
    assertEquals(3, arms.size());
    for (Recipe arm : arms) {
      assertEquals(arms.getFirst().optimizer(), arm.optimizer());
      assertEquals(arms.getFirst().routing(), arm.routing());
      assertEquals(arms.getFirst().data(), arm.data());
      assertEquals(arms.getFirst().seed(), arm.seed());
      assertEquals(arms.getFirst().steps(), arm.steps());
    }
    for (Recipe recipe : recipes) {
      assertEquals(Recipes.SEQUENCES, recipe.globalBatchSize());
      assertTrue(recipe.optimizer().warmupSteps() < recipe.steps(), recipe.name());
      assertEquals(Recipes.SEQUENCE_LENGTH, recipe.sequenceLength());
      long spent = (long) recipe.steps() * recipe.globalBatchSize() * recipe.sequenceLength();
      try (IndexedDataset tokens = IndexedDataset.open(recipe.data().train().getFirst().tokens())) {
        assertTrue(tokens.tokens() > spent, recipe.name());
      }
    }
  }

  @Test
  void aGivenModelGoesOnWithGivenText() throws IOException {
    Lexicon lexicon = Lexicon.bundled();
    DemoResult own = new Demo(grown("c"), new Heard()).run();
    Path model = own.pretraining().orElseThrow().checkpoint();
    Path text = directory.resolve("text.txt");
    SplittableRandom random = new SplittableRandom(1);
    Grammar grammar = new Grammar(new World(lexicon, random.split()), random.split());
    StringBuilder documents = new StringBuilder();
    for (int d = 0; d < 80; d++) {
      documents.append(lexicon.text(grammar.next().ids())).append('\n');
    }
    Files.writeString(text, documents);
    Heard heard = new Heard();
    DemoResult result =
        new Demo(
                new DemoOptions(
                    directory.resolve("d"),
                    1,
                    Optional.of(model),
                    List.of(text),
                    Optional.of(2),
                    Optional.of(1e-3)),
                heard)
            .run();
    assertEquals(List.of("dense-continued", "upcycled", "from-scratch"), heard.runs);
    assertTrue(result.pretraining().isEmpty());
    assertTrue(result.floor().isEmpty());
    assertEquals(own.denseContinued().parameters(), result.denseContinued().parameters());
    try (Checkpoint moe = Checkpoint.open(result.upcycled().checkpoint())) {
      assertEquals(8, moe.spec().moe().orElseThrow().numExperts());
    }
    Recipe recipe = recipes(directory.resolve("d")).getFirst();
    assertEquals(1e-3, recipe.optimizer().lr());
    assertEquals(2, recipe.steps());
    assertTrue(result.upcycled().samples().getFirst().startsWith("In "));
    assertTrue(Files.readString(result.report()).contains("text.txt"));
  }

  @Test
  void aTakenFolderIsRefused() throws IOException {
    Path out = Files.createDirectories(directory.resolve("taken"));
    Files.writeString(out.resolve("mine"), "kept");
    InvalidInputException refused =
        assertThrows(
            InvalidInputException.class, () -> new Demo(grown("taken"), new Heard()).run());
    assertTrue(refused.getMessage().contains(out.toString()), refused.getMessage());
    assertFalse(Files.exists(out.resolve("corpus")));
  }

  @Test
  void tooLittleTextIsRefused() throws IOException {
    Path model = new Demo(grown("e"), new Heard()).run().pretraining().orElseThrow().checkpoint();
    Path text = directory.resolve("short.txt");
    Files.writeString(text, "In Velmora the abbot.\n");
    DemoOptions options =
        new DemoOptions(
            directory.resolve("f"),
            1,
            Optional.of(model),
            List.of(text),
            Optional.empty(),
            Optional.empty());
    InvalidInputException refused =
        assertThrows(InvalidInputException.class, () -> new Demo(options, new Heard()).run());
    assertTrue(refused.getMessage().startsWith("--text: there are 1 documents"));
  }

  @Test
  void modelAndTextComeTogether() {
    assertThrows(
        InvalidInputException.class,
        () ->
            new DemoOptions(
                directory,
                1,
                Optional.of(directory),
                List.of(),
                Optional.empty(),
                Optional.empty()));
    assertThrows(
        InvalidInputException.class,
        () ->
            new DemoOptions(
                directory,
                1,
                Optional.empty(),
                List.of(directory),
                Optional.empty(),
                Optional.empty()));
  }
}
