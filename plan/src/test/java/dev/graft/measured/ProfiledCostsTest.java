package dev.graft.measured;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.graft.calibration.Profile;
import dev.graft.checkpoint.InvalidInputException;
import dev.graft.cluster.Cluster;
import dev.graft.cluster.ClusterReader;
import dev.graft.cluster.ComputeType;
import dev.graft.cost.Job;
import dev.graft.cost.LayerCosts;
import dev.graft.cost.Parallelism;
import dev.graft.cost.Part;
import dev.graft.cost.Recompute;
import dev.graft.cost.Setting;
import dev.graft.cost.Software;
import dev.graft.cost.TransformerShape;
import dev.graft.layout.ExpertScheme;
import java.util.Map;
import org.junit.jupiter.api.Test;

class ProfiledCostsTest {
  private static final Cluster CPU = ClusterReader.named("cpu");

  private static final TransformerShape SHAPE =
      new TransformerShape(
          4, 64, 96, true, 2, 2, 32, 512, false, new TransformerShape.Experts(4, 8, 2, 96, 0));

  private static final Profile PROFILE =
      new Profile(
          Profile.VERSION,
          "graft 0.1.0",
          new Profile.Model("SkyworkForCausalLM", 64, 96, 4, 2, 2, 32, 512, false, 8, 2),
          new Profile.Work("f32", 4, 256, 1.25, 1, 1),
          new Profile.Machine("A processor", 2, 24_000_000_000L, "Linux", "25.0.3", "2.10.0"),
          new Profile.Piece(1e-4, 2e-4, 0, 100, 100, 200, 300),
          new Profile.Piece(1e-3, 2e-3, 9e-4, 4096, 512, 5000, 700),
          new Profile.Piece(0, 3e-3, 0, 0, 0, 0, 9000),
          new Profile.Optimizer(1_000_000, 10, 1e-3, 2e-3, 4e-3),
          1e-5,
          50_000_000,
          Map.of(
              "all-reduce", new Profile.Exchange(1e-4, 1e-9),
              "broadcast", new Profile.Exchange(5e-5, 5e-10),
              "send", new Profile.Exchange(2e-5, 2e-10)));

  private static LayerCosts costs(int pp, int dp, int zero, int microBatch, int sequence) {
    Job job = new Job(sequence, 16, ComputeType.F32, 8, 4, zero, 1.25, 1);
    return new ProfiledCosts("p.json", PROFILE)
        .costs(
            new Setting(
                SHAPE,
                job,
                Parallelism.of(pp, 1, dp, 1, ExpertScheme.NONE),
                microBatch,
                Recompute.NONE,
                CPU.device(0),
                CPU,
                Software.CURRENT));
  }

  @Test
  void piecesGrowWithTheMicroBatch() {
    LayerCosts costs = costs(2, 1, 0, 8, 256);
    assertEquals(2e-3, costs.of(Part.EXPERT_LAYER).forward(), 1e-12);
    assertEquals(4e-3, costs.of(Part.EXPERT_LAYER).backward(), 1e-12);
    assertEquals(1.8e-3, costs.of(Part.EXPERT_LAYER).recompute(), 1e-12);
    assertEquals(8192, costs.of(Part.EXPERT_LAYER).kept());
    assertEquals(1024, costs.of(Part.EXPERT_LAYER).keptIfRecomputed());
    assertEquals(2 * Math.max(5000 - 4096, 700), costs.of(Part.EXPERT_LAYER).working());
    assertEquals(6e-3, costs.of(Part.HEAD).backward(), 1e-12);
    assertEquals(2e-5 + 2e-10 * 8 * 256 * 64 * 4, costs.sendSeconds(), 1e-12);
  }

  /** By hand: half of the weights on a stage, two replicas, four micro-batches of two each. */
  @Test
  void aStepEndsWithTheOptimizerAndTheSumsOverReplicas() {
    double data = 4 * 1e-5 / 2;
    double world = 2 * 1e-4;
    double sums = 5 * 1e-4 + 4 * 500_000 * 1e-9;
    assertEquals(
        0.5 * 7e-3 + data + world + sums,
        costs(2, 2, 0, 2, 256).step(100_000, 400_000, 0).seconds(),
        1e-12);
    double shares = 5 * 2 * 5e-5 + 4 * 500_000 * 5e-10;
    assertEquals(
        0.5 * 5e-3 + data + world + sums + shares,
        costs(2, 2, 1, 2, 256).step(100_000, 400_000, 0).seconds(),
        1e-12);
  }

  @Test
  void aProfileOfAnotherModelIsRefused() {
    InvalidInputException thrown =
        assertThrows(InvalidInputException.class, () -> costs(1, 1, 0, 4, 512));
    assertTrue(
        thrown.getMessage().contains("p.json: it was measured with sequence_length 256, but 512"),
        thrown.getMessage());
  }
}
