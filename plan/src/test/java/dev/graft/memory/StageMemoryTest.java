package dev.graft.memory;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.graft.cluster.Cluster;
import dev.graft.cluster.ClusterReader;
import dev.graft.cluster.ComputeType;
import dev.graft.cost.AnalyticCosts;
import dev.graft.cost.Efficiency;
import dev.graft.cost.Job;
import dev.graft.cost.LayerCosts;
import dev.graft.cost.Parallelism;
import dev.graft.cost.Part;
import dev.graft.cost.Recompute;
import dev.graft.cost.Setting;
import dev.graft.cost.ShapeReader;
import dev.graft.cost.Software;
import dev.graft.cost.TransformerShape;
import dev.graft.cost.TransformerShape.Experts;
import dev.graft.memory.StageMemory.Layers;
import dev.graft.pipeline.OneForwardOneBackward;
import dev.graft.pipeline.StageTime;
import java.io.IOException;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;

class StageMemoryTest {
  private static LayerCosts costs(
      TransformerShape shape, Job job, Parallelism mesh, int microBatch, Software software) {
    Cluster cluster = ClusterReader.named("h100");
    return new AnalyticCosts(
        new Setting(
            shape, job, mesh, microBatch, Recompute.NONE, cluster.device(0), cluster, software),
        Efficiency.FITTED);
  }

  /** torchtitan, benchmarks of December 2024, tables 1 and 3: 77.0 and 62.0 GiB with compile. */
  @Test
  void llama8bUnderFsdpHoldsWhatTorchtitanPrinted() throws IOException {
    TransformerShape llama = ShapeReader.read("llama-3-8b");
    for (int devices : new int[] {8, 128}) {
      Job job = new Job(8192, 2 * devices, ComputeType.BF16, 12, 4, 3, 0, 1);
      Parallelism mesh = new Parallelism(1, 1, devices, 1, 1, 1, 1, false);
      // Selective checkpointing keeps every other product.
      MemoryUse use =
          new StageMemory(job, mesh, 1)
              .of(
                  costs(llama, job, mesh, 2, Software.CURRENT),
                  0,
                  List.of(new Layers(Part.DENSE_LAYER, 32, 16)),
                  llama.parameters(),
                  0);
      double printed = (devices == 8 ? 77.0 : 62.0) * (1 << 30);
      assertEquals(printed, use.total(), 0.05 * printed, devices + " devices: " + use);
    }
  }

  /** BLOOM's sweep of 21 February 2022 (fp16, TP 8): 29, 37, 49 and 69 GB at micro-batch 1 to 8. */
  @Test
  void bloomsStagesHoldWhatWasLogged() {
    TransformerShape bloom =
        new TransformerShape(72, 14336, 57344, false, 64, 64, 224, 250880, true, Experts.NONE);
    Parallelism mesh = new Parallelism(12, 1, 4, 8, 1, 1, 1, false);
    Software software = new Software(false, false, false, false, false, 1);
    double[] logged = {29, 37, 49, 69};
    for (int i = 0; i < 4; i++) {
      int microBatch = 1 << i;
      Job job = new Job(2048, 2048, ComputeType.BF16, 12, 4, 1, 0, 1);
      double trunk =
          (6 * (bloom.attentionWeights() + bloom.feedForward(bloom.ffn())) + 250880.0 * 14336) / 8;
      MemoryUse use =
          new StageMemory(job, mesh, 2048 / 4 / microBatch)
              .of(
                  costs(bloom, job, mesh, microBatch, software),
                  0,
                  List.of(new Layers(Part.DENSE_LAYER, 6, 6)),
                  trunk,
                  0);
      assertEquals(logged[i], use.total() / 1e9, 0.15 * logged[i], "micro-batch " + microBatch);
    }
  }

  @Test
  void overAStepMemoryRisesToItsFullestAndFallsBack() {
    OneForwardOneBackward step =
        OneForwardOneBackward.simulate(Collections.nCopies(4, new StageTime(1, 2)), 8, 0);
    MemoryUse use = new MemoryUse(10, 20, 30, 40, 5, 3);
    for (int stage = 0; stage < 4; stage++) {
      MemoryTimeline line = MemoryTimeline.of(step, stage, use);
      double most =
          line.moments().stream().mapToDouble(MemoryTimeline.Moment::bytes).max().orElseThrow();
      assertEquals(use.total(), most, 1e-9);
      assertEquals(63, line.moments().getFirst().bytes(), 1e-9);
      assertEquals(63, line.moments().getLast().bytes(), 1e-9);
      assertTrue(line.moments().size() > 16);
    }
  }
}
