package dev.graft.cost;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.graft.cluster.Cluster;
import dev.graft.cluster.ClusterReader;
import dev.graft.cluster.ComputeType;
import dev.graft.cost.TransformerShape.Experts;
import org.junit.jupiter.api.Test;

class ActivationBytesTest {
  /** Korthikanti et al., arXiv 2205.05198, table 2, for GPT-3's layer and t = 8. */
  @Test
  void aGptLayerKeepsWhatTheEquationsSay() {
    TransformerShape gpt =
        new TransformerShape(96, 12288, 49152, false, 96, 96, 128, 51200, true, Experts.NONE);
    double sbh = 2048.0 * 1 * 12288;
    double scores = 5.0 * 96 * 2048 / 12288;
    assertEquals(sbh * (34 + scores), kept(gpt, 1, false, Recompute.NONE), 1e-6 * sbh);
    assertEquals(sbh * (10 + (24 + scores) / 8), kept(gpt, 8, false, Recompute.NONE), 1e-6 * sbh);
    assertEquals(sbh * (34 + scores) / 8, kept(gpt, 8, true, Recompute.NONE), 1e-6 * sbh);
    assertEquals(sbh * 34 / 8, kept(gpt, 8, true, Recompute.SELECTIVE), 1e-6 * sbh);
    assertEquals(
        sbh * 2 / 8, bytes(gpt, 8, true, Recompute.NONE).keptIfRecomputed(Part.DENSE_LAYER));
  }

  private static double kept(
      TransformerShape gpt, int tp, boolean sequenceParallel, Recompute recompute) {
    return bytes(gpt, tp, sequenceParallel, recompute).kept(Part.DENSE_LAYER);
  }

  private static ActivationBytes bytes(
      TransformerShape gpt, int tp, boolean sequenceParallel, Recompute recompute) {
    Cluster cluster = ClusterReader.named("a100");
    return new ActivationBytes(
        new Setting(
            gpt,
            Job.adamW(2048, 8, ComputeType.BF16),
            new Parallelism(1, 1, 1, tp, 1, 1, 1, sequenceParallel),
            1,
            recompute,
            cluster.device(0),
            cluster,
            new Software(false, false, false, false, false, 1)));
  }
}
