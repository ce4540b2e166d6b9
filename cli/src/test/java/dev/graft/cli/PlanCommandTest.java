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
}
