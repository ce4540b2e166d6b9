package dev.graft.loop;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.graft.checkpoint.Checkpoint;
import dev.graft.checkpoint.InvalidInputException;
import dev.graft.events.Event;
import dev.graft.events.LayerStats;
import dev.graft.events.RunEvents;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TrainerTest {
  @TempDir private Path directory;
  private Path train;
  private Path validation;

  @BeforeEach
  void tokens() throws IOException {
    train = TinyRun.dataset(directory, "train", 1);
    validation = TinyRun.dataset(directory, "validation", 2);
  }

  @Test
  void lossFallsAndTheCheckpointOpens() throws IOException {
    Trainer.Result result = new Trainer(recipe("a", "steps=40"), RunListener.SILENT).run(false);
    List<Event.Step> steps = steps("a");
    assertEquals(40, steps.size());
    assertTrue(result.finished());
    assertTrue(
        steps.getLast().loss() < steps.getFirst().loss() - 0.3,
        steps.getFirst().loss() + " to " + steps.getLast().loss());
    try (Checkpoint checkpoint = Checkpoint.open(result.checkpoint())) {
      assertEquals("skywork_moe", checkpoint.config().get("model_type").asString());
    }
  }

  /** α_{i+1} = β α_i + (1 − β) min(ξ d_i, α_max), from what was logged alone. */
  @Test
  void everyLoggedAlphaFollowsFromTheLoggedDropRates() throws IOException {
    new Trainer(recipe("a", "steps=20"), RunListener.SILENT).run(false);
    List<Event.Step> steps = steps("a");
    boolean moved = false;
    for (int layer = 0; layer < 2; layer++) {
      double alpha = 0.002;
      for (Event.Step step : steps) {
        LayerStats stats = step.layers().get(layer);
        assertEquals(alpha, stats.alpha(), 1e-9, "step " + step.step() + " layer " + layer);
        alpha = 0.99 * alpha + 0.01 * Math.min(0.2 * stats.dropRate(), 0.01);
        moved |= stats.dropRate() > 0;
        assertEquals(1, stats.load().stream().mapToDouble(Double::doubleValue).sum(), 1e-9);
      }
    }
    assertTrue(moved, "nothing was dropped, so nothing was tested");
  }

  @Test
  void oneSeedGivesOneSeriesAndAnotherSeedAnother() throws IOException {
    new Trainer(recipe("a"), RunListener.SILENT).run(false);
    new Trainer(recipe("b"), RunListener.SILENT).run(false);
    new Trainer(recipe("c", "seed=2"), RunListener.SILENT).run(false);
    assertEquals(losses("a"), losses("b"));
    assertFalse(losses("a").equals(losses("c")));
  }

  @Test
  void aStoppedRunGoesOnBitForBit() throws IOException {
    new Trainer(recipe("whole"), RunListener.SILENT).run(false);
    // Stop at steps that are and are not checkpoints.
    for (int stopAt : List.of(1, 4, 7, 11)) {
      String name = "stopped" + stopAt;
      Trainer[] holder = new Trainer[1];
      holder[0] =
          new Trainer(
              recipe(name),
              new RunListener() {
                @Override
                public void event(Event event) {
                  if (event instanceof Event.Step step && step.step() == stopAt) {
                    holder[0].requestStop();
                  }
                }
              });
      Trainer.Result stopped = holder[0].run(false);
      assertEquals(stopAt, stopped.step());
      assertFalse(stopped.finished());
      Trainer.Result resumed = new Trainer(recipe(name), RunListener.SILENT).run(true);
      assertTrue(resumed.finished());
      assertEquals(losses("whole"), losses(name), name);
      assertEquals(weights("whole"), weights(name), name);
    }
  }

  /**
   * What a kill leaves: events past the checkpoint, half a line, an unpublished and an unfinished
   * checkpoint.
   */
  @Test
  void leftoversOfAKilledRunAreDropped() throws IOException {
    new Trainer(recipe("whole"), RunListener.SILENT).run(false);
    new Trainer(recipe("killed", "steps=12"), RunListener.SILENT).run(false);
    Path run = directory.resolve("killed");
    Files.writeString(run.resolve("latest"), "step-00000008\n");
    Files.createDirectory(run.resolve("checkpoints/.step-00000012.part-1"));
    Files.writeString(
        run.resolve("events.jsonl"),
        "{\"event\":\"step\",\"step\":13,\"los",
        StandardOpenOption.APPEND);
    new Trainer(recipe("killed"), RunListener.SILENT).run(true);
    assertEquals(losses("whole"), losses("killed"));
    assertFalse(Files.exists(run.resolve("checkpoints/.step-00000012.part-1")));
  }

  @Test
  void onlyTheLastCheckpointsAreKept() throws IOException {
    new Trainer(recipe("a", "checkpoint.keep=2"), RunListener.SILENT).run(false);
    try (var entries = Files.list(directory.resolve("a/checkpoints"))) {
      assertEquals(
          List.of("step-00000008", "step-00000012"),
          entries.map(p -> p.getFileName().toString()).sorted().toList());
    }
  }

  @Test
  void aRunIsNotOverwritten() throws IOException {
    new Trainer(recipe("a", "steps=1"), RunListener.SILENT).run(false);
    InvalidInputException refused =
        assertThrows(
            InvalidInputException.class,
            () -> new Trainer(recipe("a", "steps=1"), RunListener.SILENT).run(false));
    assertTrue(refused.getMessage().contains("--resume"), refused.getMessage());
  }

  @Test
  void divergenceStopsNamesTheStepAndKeepsTheCheckpoint() throws IOException {
    new Trainer(recipe("a", "steps=4"), RunListener.SILENT).run(false);
    DivergedException diverged =
        assertThrows(
            DivergedException.class,
            () ->
                new Trainer(
                        recipe(
                            "a",
                            "steps=40",
                            "optimizer.lr=1e30",
                            "optimizer.min_lr=1e30",
                            "optimizer.clip=0"),
                        RunListener.SILENT)
                    .run(true));
    assertTrue(
        diverged.getMessage().matches(".*step \\d+ \\(sequences \\d+ to \\d+ of the data\\).*"),
        diverged.getMessage());
    try (Checkpoint checkpoint =
        Checkpoint.open(directory.resolve("a/checkpoints/step-00000004"))) {
      for (String name : checkpoint.names()) {
        checkpoint.tensor(name).requireFinite();
      }
    }
  }

  @Test
  void theDifferentWaysToTrainAllLearn() throws IOException {
    Map<String, List<String>> ways =
        Map.of(
            "bf16", List.of("dtype=bf16"),
            "recompute", List.of("recompute_layers=1"),
            "dropless", List.of("routing.capacity_factor=null"),
            "softmax", List.of("routing.gating=softmax"),
            "fixed", List.of("routing.balance={kind: fixed, alpha: 0.02}"),
            "none", List.of("routing.balance.kind=none", "routing.z_loss=0.001"),
            "documents", List.of("data.mask_documents=true"),
            "frozen", List.of("freeze=['model\\.embed_tokens\\.weight']"),
            "wsd", List.of("optimizer.schedule=wsd", "optimizer.expert_lr_scale=0.5"));
    for (Map.Entry<String, List<String>> way : ways.entrySet()) {
      List<String> overrides = new ArrayList<>(way.getValue());
      overrides.add("steps=30");
      new Trainer(recipe(way.getKey(), overrides.toArray(String[]::new)), RunListener.SILENT)
          .run(false);
      List<Event.Step> steps = steps(way.getKey());
      assertTrue(steps.getLast().loss() < steps.getFirst().loss() - 0.2, way.getKey());
    }
    try (Checkpoint checkpoint =
        Checkpoint.open(directory.resolve("softmax/checkpoints/step-00000030"))) {
      assertEquals("SOFTMAX", checkpoint.spec().moe().orElseThrow().gating().name());
    }
  }

  @Test
  void cudaIsRefusedWhereThereIsNone() {
    InvalidInputException refused =
        assertThrows(
            InvalidInputException.class,
            () ->
                new Trainer(recipe("a", "device=cuda", "device_untested=true"), RunListener.SILENT)
                    .run(false));
    assertTrue(
        refused.getMessage().contains("libtorch finds no CUDA device"), refused.getMessage());
  }

  @Test
  void twoRunsInOneDirectoryAreRefused() throws IOException {
    Files.createDirectory(directory.resolve("a"));
    try (RunLock _ = RunLock.of(directory.resolve("a"))) {
      InvalidInputException refused =
          assertThrows(
              InvalidInputException.class,
              () -> new Trainer(recipe("a"), RunListener.SILENT).run(true));
      assertTrue(
          refused.getMessage().contains("another process is training"), refused.getMessage());
    }
  }

  @Test
  void dataOfAnotherVocabularyIsRefused() {
    InvalidInputException refused =
        assertThrows(
            InvalidInputException.class,
            () -> new Trainer(recipe("a", "spec.vocab_size=16"), RunListener.SILENT).run(false));
    assertTrue(refused.getMessage().contains("vocab_size is 16"), refused.getMessage());
  }

  private Recipe recipe(String name, String... overrides) {
    return RecipeReader.read(
        "recipe.yaml",
        TinyRun.recipe(train, validation, directory.resolve(name)),
        List.of(overrides));
  }

  private List<Event.Step> steps(String name) throws IOException {
    List<Event.Step> steps = new ArrayList<>();
    for (Event event : RunEvents.read(directory.resolve(name).resolve("events.jsonl")).events()) {
      if (event instanceof Event.Step step) {
        steps.add(step);
      }
    }
    return steps;
  }

  private List<Double> losses(String name) throws IOException {
    return steps(name).stream().map(Event.Step::loss).toList();
  }

  private List<Integer> weights(String name) throws IOException {
    List<Integer> hashes = new ArrayList<>();
    Path latest = new RunDirectory(directory.resolve(name)).latest().orElseThrow();
    try (Checkpoint checkpoint = Checkpoint.open(latest)) {
      for (String tensor : checkpoint.names()) {
        MemorySegment data = checkpoint.tensor(tensor).data();
        hashes.add(data.asByteBuffer().hashCode());
      }
    }
    return hashes;
  }
}
