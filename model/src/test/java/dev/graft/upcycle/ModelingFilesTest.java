package dev.graft.upcycle;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.graft.checkpoint.Gating;
import dev.graft.checkpoint.Models;
import dev.graft.peers.PeerPython;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The Python files of {@code --with-modeling}, run by transformers. */
class ModelingFilesTest {
  @Test
  void transformersComputesTheGoldenValues() {
    Path golden = Models.shared("golden/tiny-skywork-moe");
    String printed =
        PeerPython.run(
            "scripts/peers/check_modeling.py",
            golden.toString(),
            golden.resolve("golden.json").toString(),
            "../model/src/main/resources/dev/graft/upcycle");
    assertEquals(
        "SkyworkForCausalLM", JsonMapper.shared().readTree(printed).get("model").asString());
  }

  /**
   * Llama, Mistral, Qwen2 and Qwen3 by transformers, with every kind of rope, biases, tied
   * embeddings, grouped heads, wide and narrow heads and a window: upcycled they compute the same.
   */
  @Test
  void upcycledModelsComputeTheDenseFunction(@TempDir Path directory) throws IOException {
    List<String> names =
        PeerPython.run("scripts/peers/tiny_dense.py", directory.toString()).lines().toList();
    List<String> pairs = new ArrayList<>();
    for (String name : names) {
      Path dense = directory.resolve(name);
      Path moe = directory.resolve(name + "-moe");
      Upcycle.run(
          dense,
          moe,
          new UpcycleOptions(4, 2, Gating.NORMALIZED, 0.5, List.of(), 0, 0, true, 1, 20_000),
          _ -> {});
      pairs.add(dense.toString());
      pairs.add(moe.toString());
    }
    List<String> results =
        PeerPython.run("scripts/peers/check_upcycled.py", pairs.toArray(String[]::new))
            .lines()
            .toList();
    assertEquals(6, results.size());
    for (String result : results) {
      JsonNode compared = JsonMapper.shared().readTree(result);
      assertEquals("SkyworkForCausalLM", compared.get("moe").asString());
      assertTrue(compared.get("largest_logit").asDouble() > 1, result);
    }
  }
}
