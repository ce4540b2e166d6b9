package dev.graft.loop;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.graft.checkpoint.Gating;
import dev.graft.checkpoint.InvalidInputException;
import dev.graft.routing.Balance;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class RecipeReaderTest {
  /** The contract as the issue wrote it down. */
  private static final String CONTRACT =
      """
      model: DIR                       # or spec: {…} to train from scratch
      data: {train: [{tokens: PREFIX, weight: 1.0}], validation: PREFIX}
      sequence_length: 256
      global_batch_size: 16
      micro_batch_size: 4
      steps: 200
      seed: 1
      dtype: f32
      optimizer: {lr: 3e-4, min_lr: 3e-5, schedule: cosine, warmup_steps: 20, weight_decay: 0.1, betas: [0.9, 0.95], clip: 1.0}
      routing: {gating: normalized, gate_norm_std: 1.0, capacity_factor: 1.25, balance: {kind: adaptive, xi: 0.2, alpha_max: 0.01, beta: 0.99}}
      out: RUN_DIR                     # events.jsonl, checkpoints/, latest
      """;

  @Test
  void theContractIsRead() {
    Recipe recipe = RecipeReader.read("recipe.yaml", CONTRACT, List.of());
    assertEquals(new Recipe.Start.Directory(Path.of("DIR")), recipe.start());
    assertEquals(3e-4, recipe.optimizer().lr());
    assertEquals(Optional.of(Gating.NORMALIZED), recipe.routing().gating());
    assertEquals(new Balance.Adaptive(0.2, 0.01, 0.99, 0), recipe.routing().balance());
    assertEquals(4, recipe.microBatches());
  }

  @Test
  void overridesWin() {
    Recipe recipe =
        RecipeReader.read(
            "recipe.yaml",
            CONTRACT,
            List.of("optimizer.lr=1e-3", "routing.capacity_factor=null", "steps=7"));
    assertEquals(1e-3, recipe.optimizer().lr());
    assertTrue(recipe.routing().capacityFactor().isEmpty());
    assertEquals(7, recipe.steps());
  }

  @Test
  void printedConfigReadsBackTheSame() {
    Recipe recipe = RecipeReader.read("recipe.yaml", CONTRACT, List.of());
    assertEquals(recipe, RecipeReader.read("printed.yaml", RecipeReader.print(recipe), List.of()));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "optimizer.lrr=1             | optimizer.lrr is not a key of a recipe; did you mean optimizer.lr?",
        "step=3                      | step is not a key of a recipe; did you mean steps?",
        "steps=0                     | steps is 0; it must be a whole number of at least 1",
        "steps=many                  | steps is \"many\"; it must be a whole number",
        "optimizer.lr=fast           | optimizer.lr is 'fast'; it must be a number",
        "optimizer.schedule=cosin    | optimizer.schedule is 'cosin'; it is one of cosine, linear, wsd, constant",
        "optimizer.betas=[0.9]       | optimizer.betas must be two numbers in [0, 1)",
        "optimizer=3                 | optimizer is a section with keys",
        "routing.gating=top1         | routing.gating is 'top1'; it is one of softmax, normalized",
        "routing.balance.kind=auto   | routing.balance.kind is 'auto'; it is adaptive, fixed or none",
        "routing.capacity_factor=0   | routing.capacity_factor must be above 0",
        "micro_batch_size=5          | global_batch_size must be a multiple of micro_batch_size",
        "data.train=[]               | data.train is empty",
        "data.train=[{weight: 1}]    | data.train has an entry without tokens",
        "data.train=[{tokens: a, weight: -1}] | data.train has a weight that is not a positive number",
        "spec={hidden_size: 4}       | model and spec: give exactly one of them",
        "model=null                  | model and spec: give exactly one of them",
        "dtype=fp16                  | dtype is 'fp16'; it is one of f32, bf16, f64",
        "deterministic=perhaps       | deterministic is \"perhaps\"; it is true or false",
        "device=cuda                 | device is cuda, which has never been run by its authors",
        "device=tpu                  | device is 'tpu'; it is cpu or cuda",
        "out=null                    | out is missing",
        "noequals                    | an override is written key=value",
      })
  void whatCannotBeUsedIsNamed(String override, String expected) {
    InvalidInputException refused =
        assertThrows(
            InvalidInputException.class,
            () -> RecipeReader.read("recipe.yaml", CONTRACT, List.of(override)));
    assertTrue(refused.getMessage().contains(expected), refused.getMessage());
  }

  @Test
  void whatIsNotYamlIsRefused() {
    for (String text : List.of("steps: [1", "- a\n- b", "")) {
      InvalidInputException refused =
          assertThrows(
              InvalidInputException.class, () -> RecipeReader.read("recipe.yaml", text, List.of()));
      assertTrue(refused.getMessage().startsWith("recipe.yaml: "), refused.getMessage());
    }
  }
}
