package dev.graft.search;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.graft.checkpoint.InvalidInputException;
import dev.graft.cluster.Cluster;
import dev.graft.cluster.ClusterReader;
import dev.graft.cluster.ComputeType;
import dev.graft.cost.AnalyticCosts;
import dev.graft.cost.Job;
import dev.graft.cost.ShapeReader;
import dev.graft.cost.Software;
import java.io.IOException;
import java.util.List;
import org.junit.jupiter.api.Test;

class PlanSearchTest {
  private static PlanSearch search(String model, Cluster cluster, int batch, String fix)
      throws IOException {
    return new PlanSearch(
        new PlanRequest(
            ShapeReader.read(model),
            cluster,
            Job.adamW(8192, batch, ComputeType.BF16),
            Software.CURRENT,
            fix.isEmpty() ? Fixed.NOTHING : Fixed.parse("--fix", fix),
            AnalyticCosts.fitted()));
  }

  private static PlanSearch search(String model, String cluster, int batch, String fix)
      throws IOException {
    return search(model, ClusterReader.read(cluster), batch, fix);
  }

  private static void consistent(Plan plan, int layers, int world) {
    assertEquals(world, plan.parallelism().world());
    assertEquals(layers, plan.layers().stream().mapToInt(Integer::intValue).sum());
    double spent = plan.terms().values().stream().mapToDouble(Double::doubleValue).sum();
    assertEquals(plan.seconds(), spent, 1e-9 * plan.seconds());
    for (StagePlan stage : plan.stages()) {
      assertTrue(stage.memory().total() <= stage.limit(), stage.toString());
      assertTrue(stage.recomputed() <= stage.layers());
    }
  }

  @Test
  void skyworkMoeIsPlannedAndThePublishedMeshIsAmongThoseTried() throws IOException {
    PlanSearch.Found all = search("skywork-moe", "a800x1536", 1024, "").best(5);
    assertEquals(5, all.plans().size());
    all.plans().forEach(plan -> consistent(plan, 52, 1536));
    PlanSearch held = search("skywork-moe", "a800x1536", 1024, "pp=12,tp=4,dp=32,experts=edp");
    Plan published = held.best(1).plans().getFirst();
    consistent(published, 52, 1536);
    assertEquals(4, published.parallelism().ep());
    assertEquals(1, published.parallelism().etp());
    assertTrue(all.plans().getFirst().seconds() <= published.seconds());
    PlanSearch.Gain gain = held.gain(published).orElseThrow();
    assertTrue(published.seconds() <= held.even(published).orElseThrow().seconds());
    assertEquals(
        gain.even().seconds() - published.seconds(),
        gain.recompute() + gain.head() + gain.layers(),
        1e-9);
  }

  /** Early stages keep more micro-batches: with little memory they recompute, late ones do not. */
  @Test
  void earlyStagesRecompute() throws IOException {
    Plan plan =
        search("skywork-moe", "a800x1536", 1024, "pp=12,tp=4,experts=edp,mb=4")
            .best(1)
            .plans()
            .getFirst();
    consistent(plan, 52, 1536);
    assertTrue(plan.recomputed().getFirst() > 0, plan.recomputed().toString());
    assertEquals(0, plan.recomputed().getLast());
    MegatronFlags flags =
        MegatronFlags.of(
            plan, Job.adamW(8192, 1024, ComputeType.BF16), ShapeReader.read("skywork-moe"));
    assertTrue(String.join(" ", flags.flags()).contains("--recompute-method block"));
    assertFalse(flags.cannot().isEmpty());
  }

  @Test
  void slowerDevicesGetFewerLayers() throws IOException {
    Cluster fast = ClusterReader.read("h100x8");
    Cluster slow = ClusterReader.read("a100x8");
    Cluster mixed =
        new Cluster(
            "mixed",
            List.of(fast.kinds().getFirst(), slow.kinds().getFirst()),
            8,
            slow.inside(),
            slow.between());
    Plan plan = search("llama-3-8b", mixed, 64, "pp=2,tp=4,dp=2").best(1).plans().getFirst();
    assertEquals(
        List.of("H100-80G", "A100-80G"), plan.stages().stream().map(StagePlan::device).toList());
    assertTrue(plan.layers().getFirst() > plan.layers().getLast() + 4, plan.layers().toString());
  }

  private static void refused(String model, String cluster, int batch, String fix, String part) {
    var wrong =
        assertThrows(InvalidInputException.class, () -> search(model, cluster, batch, fix).best(1));
    assertTrue(wrong.getMessage().contains(part), wrong.getMessage());
  }

  @Test
  void whatCannotBeIsOneSentence() {
    refused("skywork-moe", "a800x1536", 1024, "pp=12,tp=4,dp=33", "makes 1584 devices");
    refused("llama-3-8b", "h100x64", 64, "pp=64", "more stages than the model has layers, 32");
    refused("skywork-moe", "a800x64", 64, "ep=5", "does not divide the model's 16 experts");
    refused("llama-3-8b", "h100x64", 64, "tp=16", "more than the 8 devices of a node");
    refused("llama-3-8b", "h100x64", 7, "pp=1,tp=1", "global batch of 7 and --fix pp=1,tp=1");
    refused("llama-3-8b", "h100x64", 64, "pp=2,pp=4", "pp as 2 and as 4");
    refused("llama-3-8b", "h100x64", 64, "pipeline=2", "'pipeline=2'");
  }

  @Test
  void aModelThatDoesNotFitIsToldWhatWould() throws IOException {
    var wrong =
        assertThrows(
            InvalidInputException.class, () -> search("llama-3-405b", "h100x8", 64, "").best(1));
    assertTrue(wrong.getMessage().contains("optimizer"), wrong.getMessage());
    int devices = Integer.parseInt(wrong.getMessage().replaceAll(".*would do is (\\d+).*", "$1"));
    Cluster enough = ClusterReader.read("h100x" + devices);
    consistent(search("llama-3-405b", enough, 64, "").best(1).plans().getFirst(), 126, devices);
    Cluster fewer = ClusterReader.read("h100x" + (devices - 8));
    assertThrows(InvalidInputException.class, () -> search("llama-3-405b", fewer, 64, "").best(1));
  }
}
