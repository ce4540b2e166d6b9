package dev.graft.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** {@code graft plan --inference}. */
class PlanCommandTest {
  @TempDir private Path folder;

  @Test
  void skyworkMoeInFp8IsServedByEightCards() {
    String[] question = {
      "plan", "--model", "skywork-moe", "--inference", "fp8", "--cluster", "4090x8"
    };
    Captured run = Captured.run(question);
    assertEquals(0, run.code(), run.err());
    assertTrue(run.out().contains("heads [5, 5, 5, 5, 4, 4, 4, 4]"), run.out());
    assertTrue(run.out().contains("on 8 × RTX-4090 (192.0 GB)"), run.out());
    assertTrue(run.out().contains("It fits: beside the weights rank 0"), run.out());
    assertTrue(run.out().contains("Published: 2,200 tokens/s"), run.out());

    List<String> asked = new ArrayList<>(List.of(question));
    asked.add("--json");
    JsonNode facts = JsonMapper.shared().readTree(Captured.run(asked.toArray(String[]::new)).out());
    assertEquals("[5,5,5,5,4,4,4,4]", facts.path("heads").toString());
    assertTrue(facts.path("fits").booleanValue());
    assertEquals(147e9, facts.path("weight_bytes").asDouble(), 0.5e9);
    assertEquals(2200, facts.path("published").path("tokens_per_second").asDouble());
    int batch = facts.path("published").path("reached_at").path("batch").asInt();
    assertTrue(batch > 32 && batch < 512, facts.path("published").toString());
  }

  @Test
  void whatDoesNotFitIsSaidWithTheLeastThatWould() {
    Captured run =
        Captured.run(
            "plan", "--model", "skywork-moe", "--inference", "bf16", "--cluster", "4090x8");
    assertEquals(0, run.code(), run.err());
    assertTrue(run.out().contains("It does not fit: rank 0 needs"), run.out());
    assertTrue(run.out().contains("the least that fits is 14 × RTX-4090"), run.out());
    assertFalse(run.out().contains("decode ms"), run.out());
  }

  @Test
  void whatCannotBeUsedIsRefused() throws IOException {
    refused("--inference is 'int3'", "skywork-moe", "int3", "4090x8");
    refused("--cluster is '5090'", "skywork-moe", "fp8", "5090");
    refused("latent or windowed attention", "deepseek-v3", "fp8", "h200x8");
    Path cluster = folder.resolve("cluster.yaml");
    Files.writeString(
        cluster,
        """
        name: broken
        devices: [{name: a, count: 2, memory: 24e9, peak: {bf16: 1e14}, memory_bandwidth: -1}]
        node_size: 2
        inside: {bandwidth: 1e9, latency: 0}
        between: {bandwidth: 1e9, latency: 0}
        """);
    refused("memory_bandwidth is -1", "skywork-moe", "fp8", cluster.toString());
  }

  private static void refused(String why, String model, String weights, String cluster) {
    Captured run =
        Captured.run("plan", "--model", model, "--inference", weights, "--cluster", cluster);
    assertEquals(2, run.code(), run.out());
    assertTrue(run.err().contains(why), run.err());
    assertEquals("", run.out());
  }

  @Test
  void aPageDrawsTheCurve() {
    Path page = folder.resolve("plan.html");
    Captured run =
        Captured.run(
            "plan",
            "--model",
            "skywork-moe",
            "--inference",
            "fp8",
            "--cluster",
            "4090x8",
            "--html",
            page.toString());
    assertEquals(0, run.code(), run.err());
    try (Browser browser = Browser.open()) {
      browser.driver().get(page.toUri().toString());
      assertEquals(2, browser.all("#serving .plot").size());
      int canvases =
          browser.await(
              "charts",
              _ ->
                  browser.all("#serving canvas").size() == 2
                      ? browser.all("#serving canvas").size()
                      : null);
      assertEquals(2, canvases);
      assertTrue(browser.text("#serving").contains("It fits: beside the weights rank 0"));
      assertTrue(browser.text("#serving").contains("Published: 2,200"));
      browser.requireQuiet();
    }
  }

  /** The plan of a small model on this machine, taken by a recipe as it is. */
  @Test
  void aPlanIsWrittenAsKeysOfARecipe() throws IOException {
    Path shape = folder.resolve("shape.yaml");
    Files.writeString(
        shape,
        "{layers: 4, hidden: 64, ffn: 96, heads: 2, kv_heads: 2, head_dim: 32, vocab: 512, experts:"
            + " 8, top_k: 2}");
    Path plan = folder.resolve("plan.yaml");
    Captured planned =
        Captured.run(
            "plan",
            "--model",
            shape.toString(),
            "--cluster",
            "cpux2",
            "--sequence",
            "64",
            "--global-batch",
            "16",
            "--dtype",
            "f32",
            "--fix",
            "pp=2,chunks=1",
            "--output",
            plan.toString());
    assertEquals(0, planned.code(), planned.err());
    assertTrue(planned.err().contains("wrote plan 1 to " + plan), planned.err());
    Path recipe = folder.resolve("recipe.yaml");
    Files.writeString(
        recipe,
        """
        spec: {vocab_size: 512, hidden_size: 64, intermediate_size: 96, num_hidden_layers: 4, num_attention_heads: 2,
               num_key_value_heads: 2, num_experts: [8], num_experts_per_tok: 2, max_position_embeddings: 64}
        data: {train: [{tokens: none}]}
        parallel: {dp: 7}
        out: none
        """);
    Captured read =
        Captured.run("train", recipe.toString(), "--plan", plan.toString(), "--print-config");
    assertEquals(0, read.code(), read.err());
    String config = read.out().replaceAll("\\s+", "");
    assertTrue(config.contains("pp:2dp:1tp:1experts:\"none\""), read.out());
    assertTrue(config.contains("stages:-2-2"), read.out());
    assertTrue(config.contains("sequence_length:64global_batch_size:16"), read.out());
  }

  @Test
  void aPageShowsPlansAndWhatIf() {
    Path page = folder.resolve("plans.html");
    Captured run =
        Captured.run(
            "plan",
            "--model",
            "mixtral-8x7b",
            "--cluster",
            "h100x64",
            "--fix",
            "pp=4",
            "--top",
            "2",
            "--html",
            page.toString());
    assertEquals(0, run.code(), run.err());
    try (Browser browser = Browser.open()) {
      browser.driver().get(page.toUri().toString());
      boolean drawn =
          browser.await(
              "charts", _ -> browser.all("#timeline canvas").size() == 3 ? Boolean.TRUE : null);
      assertTrue(drawn);
      assertEquals(2, browser.all("#summary table tbody tr").size());
      assertTrue(browser.text("#timeline").contains("waiting"), browser.text("#timeline"));
      assertTrue(browser.all("#sensitivity tbody tr").size() >= 6);
      assertTrue(browser.text("#sensitivity").contains("network between nodes half as fast"));
      browser.requireQuiet();
    }
  }
}
