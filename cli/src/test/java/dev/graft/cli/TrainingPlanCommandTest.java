package dev.graft.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class TrainingPlanCommandTest {
  @Test
  void skyworkMoeGetsATableWithThePublishedMeshBeside() {
    Captured run = Captured.run("plan", "--model", "skywork-moe", "--cluster", "a800x1536");
    assertEquals(0, run.code(), run.err());
    for (String part :
        new String[] {
          "146.4 billion parameters",
          "beside: pp=12,tp=4,experts=edp",
          "The even split",
          "--pipeline-model-parallel-layout",
          "all scores counted"
        }) {
      assertTrue(run.out().contains(part), part + " is not in\n" + run.out());
    }
  }

  @Test
  void jsonHasStagesRecomputeThroughputAndMfuWithItsFormula() {
    Captured run =
        Captured.run(
            "plan",
            "--model",
            "mixtral-8x7b",
            "--cluster",
            "h100x64",
            "--global-batch",
            "256",
            "--sequence",
            "4096",
            "--fix",
            "pp=4,tp=1",
            "--top",
            "2",
            "--json");
    assertEquals(0, run.code(), run.err());
    JsonNode plans = JsonMapper.shared().readTree(run.out()).path("plans");
    assertEquals(2, plans.size());
    for (JsonNode plan : plans) {
      int layers = 0;
      for (JsonNode stage : plan.path("stages")) {
        layers += stage.asInt();
      }
      assertEquals(32, layers);
      assertEquals(4, plan.path("recompute").size());
      double rate = plan.path("tokens_per_second_per_gpu").asDouble();
      assertEquals(4096.0 * 256 / plan.path("step_seconds").asDouble() / 64, rate, 1e-6 * rate);
      assertTrue(plan.path("mfu").asDouble() > 0.1 && plan.path("mfu").asDouble() < 0.8);
      assertTrue(plan.path("mfu_formula").asString().contains("scores"));
    }
  }

  @Test
  void whatCannotBePlannedIsOneSentence() {
    Captured none = Captured.run("plan");
    assertEquals(2, none.code());
    assertTrue(none.err().contains("--model is missing"), none.err());
    Captured small = Captured.run("plan", "--model", "skywork-moe", "--cluster", "4090x8");
    assertEquals(2, small.code());
    assertTrue(small.err().contains("Nothing fits 8 × RTX-4090"), small.err());
    assertEquals(1, small.err().lines().count(), small.err());
    Captured deep =
        Captured.run("plan", "--model", "llama-3-8b", "--cluster", "h100x64", "--fix", "pp=64");
    assertEquals(2, deep.code());
    assertTrue(deep.err().contains("more stages than the model has layers, 32"), deep.err());
  }
}
