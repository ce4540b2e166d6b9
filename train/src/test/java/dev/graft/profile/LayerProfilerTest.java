package dev.graft.profile;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.graft.calibration.Profile;
import dev.graft.loop.Recipe;
import dev.graft.loop.RecipeReader;
import dev.graft.text.IndexedDatasetWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LayerProfilerTest {
  private static final int HIDDEN = 64;
  private static final int FFN = 96;
  private static final int SEQUENCE = 64;

  @TempDir private Path directory;

  private Recipe recipe(String... overrides) throws IOException {
    Path data = directory.resolve("data");
    if (!Files.exists(directory.resolve("data.idx"))) {
      try (IndexedDatasetWriter writer = IndexedDatasetWriter.create(data, 32)) {
        int[] ids = new int[4000];
        for (int i = 0; i < ids.length; i++) {
          ids[i] = i * 7 % 32;
        }
        writer.add(ids);
        writer.commit();
      }
    }
    return RecipeReader.read(
        "test",
        """
        spec: {vocab_size: 32, hidden_size: 64, intermediate_size: 96, num_hidden_layers: 4, num_attention_heads: 2,
               num_key_value_heads: 2, num_experts: [4], num_experts_per_tok: 2, max_position_embeddings: 64}
        data: {train: [{tokens: %s}]}
        sequence_length: 64
        micro_batch_size: 8
        global_batch_size: 16
        threads: 1
        routing: {capacity_factor: null}
        out: %s
        """
            .formatted(data, directory.resolve("out")),
        List.of(overrides));
  }

  private static LayerProfiler measured(Recipe recipe) throws IOException {
    LayerProfiler profiler = new LayerProfiler(recipe);
    profiler.run(0.1, share -> assertTrue(share >= 0 && share <= 1));
    return profiler;
  }

  /** What is held is known where nothing but a layer's input is, and bounded below elsewhere. */
  @Test
  void activationsHeldAreThoseOfTheTape() throws IOException {
    try (LayerProfiler profiler = measured(recipe())) {
      double tokens = 8 * SEQUENCE;
      double stream = tokens * HIDDEN * 4;
      Profile.Piece layer = profiler.layer();
      assertEquals(stream, (double) layer.keptIfRecomputedBytes(), 0.02 * stream + 4096);
      // Sorted input, W1 x with W3 x, and the scaled activation of two experts a token; the stream
      // in front of them, their input, queries, keys, values and what attention gives, the output.
      double experts = 2 * tokens * (HIDDEN + 3 * FFN) * 4;
      double trunk = (2 + 3 + 1 + 1) * stream;
      assertTrue(layer.keptBytes() > experts + trunk, layer.toString());
      assertTrue(layer.keptBytes() < 2.2 * (experts + trunk), layer.toString());
    }
  }

  /** What does not grow, such as a mask, is the same at every size: the growth is compared. */
  @Test
  void activationsHeldGrowWithTheMicroBatch() throws IOException {
    try (LayerProfiler one = measured(recipe("micro_batch_size=4"));
        LayerProfiler two = measured(recipe("micro_batch_size=8"));
        LayerProfiler four = measured(recipe("micro_batch_size=16"))) {
      double small = two.layer().keptBytes() - one.layer().keptBytes();
      double large = four.layer().keptBytes() - two.layer().keptBytes();
      assertEquals(2, large / small, 0.05);
    }
  }

  @Test
  void everyPieceTakesTime() throws IOException {
    try (LayerProfiler profiler = measured(recipe())) {
      assertTrue(profiler.embedding().forward() > 0);
      assertTrue(profiler.layer().forward() > 0);
      assertTrue(profiler.layer().backward() > 0);
      assertTrue(profiler.head().backward() > 0);
      assertTrue(profiler.optimizer().seconds() > 0);
      assertTrue(profiler.dataSeconds() > 0);
      assertTrue(profiler.processBytes() >= 0);
      long experts = 4L * 4 * 3 * HIDDEN * FFN;
      long gates = 4L * 4 * HIDDEN;
      long attention = 4L * 4 * HIDDEN * HIDDEN;
      long rest = 2L * 32 * HIDDEN + 9L * HIDDEN;
      assertEquals(experts + gates + attention + rest, profiler.optimizer().parameters());
    }
  }

  @Test
  void aLineGoesThroughItsPoints() {
    Profile.Exchange line =
        ExchangeProfiler.fit(
            new int[] {1 << 10, 1 << 20, 1 << 24},
            new double[] {
              1e-4 + 2e-9 * (1 << 10), 1e-4 + 2e-9 * (1 << 20), 1e-4 + 2e-9 * (1 << 24)
            });
    assertEquals(1e-4, line.alpha(), 1e-10);
    assertEquals(2e-9, line.beta(), 1e-14);
    Profile.Exchange falling =
        ExchangeProfiler.fit(new int[] {1 << 10, 1 << 20}, new double[] {2e-4, 1e-4});
    assertEquals(0, falling.beta());
  }
}
