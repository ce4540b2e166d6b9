package dev.graft.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.graft.calibration.Profile;
import dev.graft.calibration.ProfileFile;
import dev.graft.events.RunEvents;
import dev.graft.text.IndexedDatasetWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** Profile, plan, run and compare, as a user does on two processes. */
@Timeout(value = 5, unit = TimeUnit.MINUTES)
class PlannedRunTest {
  @TempDir private Path directory;

  @BeforeEach
  void recipe() throws IOException {
    Path data = directory.resolve("data");
    try (IndexedDatasetWriter writer = IndexedDatasetWriter.create(data, 32)) {
      int[] ids = new int[4000];
      for (int i = 0; i < ids.length; i++) {
        ids[i] = i * 7 % 32;
      }
      writer.add(ids);
      writer.commit();
    }
    Files.writeString(
        directory.resolve("recipe.yaml"),
        """
        spec: {vocab_size: 32, hidden_size: 16, intermediate_size: 24, num_hidden_layers: 3, num_attention_heads: 2,
               num_key_value_heads: 1, num_experts: [4], num_experts_per_tok: 2, max_position_embeddings: 64}
        data: {train: [{tokens: %s}]}
        sequence_length: 16
        global_batch_size: 8
        micro_batch_size: 4
        steps: 8
        threads: 1
        tensorboard: false
        timeline_steps: [7, 8]
        parallel: {pp: 2, stages: auto, recompute: auto, profile: %s, memory: 1GB}
        out: %s
        """
            .formatted(data, directory.resolve("profile.json"), directory.resolve("out")));
  }

  private String graft(int expected, String... arguments) throws Exception {
    Path said = directory.resolve("said.log");
    ProcessBuilder builder =
        new ProcessBuilder(OwnProcess.command(arguments))
            .redirectErrorStream(true)
            .redirectOutput(said.toFile());
    try (OwnProcess run = new OwnProcess(builder.start())) {
      assertTrue(run.process().waitFor(2, TimeUnit.MINUTES), "it did not end");
      assertEquals(expected, run.process().exitValue(), Files.readString(said));
    }
    return Files.readString(said);
  }

  @Test
  void aProfiledRecipeIsPlannedTrainedAndCompared() throws Exception {
    String recipe = directory.resolve("recipe.yaml").toString();
    String file = directory.resolve("profile.json").toString();
    Captured missing = Captured.run("train", recipe, "--print-config");
    assertEquals(2, missing.code());
    assertTrue(missing.err().contains("profile.json: there is no such profile"), missing.err());
    String counted = Captured.run("train", recipe, "parallel.profile=", "--print-config").out();
    assertTrue(counted.replaceAll("\\s+", "").contains("stages:-2-1"), counted);

    String said = graft(0, "profile", recipe, "--seconds", "0.3", "--out", file);
    assertTrue(said.contains("head + loss"), said);
    Profile profile = ProfileFile.read(Path.of(file));
    assertEquals(3, profile.model().numHiddenLayers());
    assertEquals(4, profile.model().numExperts());
    assertEquals(new Profile.Work("f32", 4, 16, 1.25, 1, 2), profile.work());
    assertTrue(profile.layer().backward() > 0, profile.toString());
    assertTrue(
        profile
            .exchanges()
            .keySet()
            .containsAll(Set.of("all-reduce", "all-to-all", "broadcast", "send")));
    assertTrue(profile.exchanges().values().stream().allMatch(line -> line.seconds(1 << 20) > 0));
    assertTrue(Files.notExists(directory.resolve("out")), "profiling must not start a run");

    String trained = graft(0, "launch", "--nproc", "2", "train", recipe);
    assertTrue(trained.contains("graft: planned stages [2, 1]"), trained);
    assertTrue(trained.contains("with times from " + file), trained);
    Path run = directory.resolve("out");
    Map<?, ?> parallel =
        (Map<?, ?>) RunEvents.read(run).run().orElseThrow().recipe().get("parallel");
    assertEquals(List.of(2, 1), parallel.get("stages"));
    assertEquals(List.of(0, 0), parallel.get("recompute"));

    JsonNode facts =
        JsonMapper.shared()
            .readTree(
                Captured.run("plan", "compare", run.toString(), "--profile", file, "--json").out());
    Set<String> terms = new TreeSet<>();
    for (JsonNode row : facts.path("rows")) {
      terms.add(row.path("term").asString() + " " + row.path("rank").asInt(-1));
      assertTrue(row.path("predicted").asDouble() >= 0, row.toString());
      assertTrue(row.path("measured").asDouble() > 0, row.toString());
    }
    assertEquals(
        Set.of(
            "step -1",
            "forward 0",
            "forward 1",
            "backward 0",
            "backward 1",
            "pipeline wait 0",
            "pipeline wait 1",
            "sums, optimiser, data 0",
            "sums, optimiser, data 1",
            "memory 0",
            "memory 1"),
        terms);
    Captured other = Captured.run("train", recipe, "sequence_length=32", "--print-config");
    assertEquals(2, other.code());
    assertTrue(
        other.err().contains("measured with sequence_length 16, but 32 is asked for"), other.err());
  }
}
