package dev.graft.runs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.graft.checkpoint.InvalidInputException;
import dev.graft.cluster.Cluster;
import dev.graft.cluster.ClusterReader;
import dev.graft.cluster.ComputeType;
import dev.graft.cost.Job;
import dev.graft.cost.LayerCosts;
import dev.graft.cost.Parallelism;
import dev.graft.cost.Part;
import dev.graft.cost.PartCost;
import dev.graft.cost.Recompute;
import dev.graft.cost.Setting;
import dev.graft.cost.Software;
import dev.graft.cost.TransformerShape;
import dev.graft.events.Event;
import dev.graft.events.RunEvents;
import dev.graft.layout.ExpertScheme;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class PredictionTest {
  private static final TransformerShape SHAPE =
      new TransformerShape(
          6, 8, 16, true, 2, 2, 4, 32, false, new TransformerShape.Experts(6, 4, 2, 16, 0));

  /** A layer takes 1 and 2 s, the embedding 0.5 s each way, the head 3 s; the end of a step 7 s. */
  private static final LayerCosts COSTS =
      new LayerCosts() {
        @Override
        public PartCost of(Part part) {
          return switch (part) {
            case EMBEDDING -> cost(0.5, 0.5, 0, 100, 0);
            case HEAD -> cost(0, 3, 0, 0, 400);
            default -> cost(1, 2, 1, 1000, 50);
          };
        }

        private static PartCost cost(
            double forward, double backward, double again, double kept, double working) {
          return new PartCost(forward, backward, again, kept, 100, working, Map.of(), Map.of());
        }

        @Override
        public double sendSeconds() {
          return 0.25;
        }

        @Override
        public StepCost step(double trunk, double experts, double cover) {
          return new StepCost(3, 4);
        }
      };

  private static Setting setting(int pp) {
    Cluster cpu = ClusterReader.named("cpu");
    return new Setting(
        SHAPE,
        new Job(16, 4, ComputeType.F32, 8, 4, 0, 0, 1),
        Parallelism.of(pp, 1, 1, 1, ExpertScheme.NONE),
        1,
        Recompute.NONE,
        cpu.device(0),
        cpu,
        Software.CURRENT);
  }

  @Test
  void oneProcessDoesOnePassAfterTheOther() {
    Layout layout = new Layout(List.of(6), List.of(2), 4, 4, 4, 8, 0);
    Prediction prediction = Prediction.of(setting(1), COSTS, layout);
    assertEquals(4 * 6.5, prediction.stages().getFirst().forward(), 1e-12);
    assertEquals(4 * (12 + 2 + 0.5 + 3), prediction.stages().getFirst().backward(), 1e-12);
    assertEquals(4 * (6.5 + 17.5) + 7, prediction.seconds(), 1e-12);
    assertEquals(0, prediction.stages().getFirst().waiting(), 1e-12);
    assertEquals(4 * 1000 + 2 * 100 + 100, prediction.stages().getFirst().activationBytes());
    assertEquals(400, prediction.stages().getFirst().workingBytes());
    // 6 layers of 4 heads' products, norms, gate and experts, both ends, the last norm
    double weights = 6 * (4 * 64 + 16 + 32 + 4 * 3 * 8 * 16) + 2 * 32 * 8 + 8;
    assertEquals(16 * weights, prediction.stages().getFirst().stateBytes());
  }

  /** Two stages, one micro-batch: each waits while the other computes and while tensors travel. */
  @Test
  void stagesWaitForEachOther() {
    Layout layout = new Layout(List.of(3, 3), List.of(0, 0), 1, 4, 4, 8, 0);
    Prediction prediction = Prediction.of(setting(2), COSTS, layout);
    double first = 3.5 + 6.5;
    double second = 3 + 9;
    assertEquals(first + second + 2 * 0.25 + 7, prediction.seconds(), 1e-12);
    assertEquals(second + 0.5, prediction.stages().getFirst().waiting(), 1e-12);
    assertEquals(3.5 + 0.25, prediction.stages().getLast().waiting(), 1e-12);
  }

  @Test
  void theChoiceIsTheQuickestThatFits() {
    Layout even = new Layout(List.of(3, 3), List.of(0, 0), 4, 4, 4, 8, 0);
    StageChoice choice = StageChoice.of(setting(2), COSTS, even, Optional.empty(), 1e9);
    assertEquals(List.of(3, 3), choice.layers());
    double weights = 16.0 * (3 * (4 * 64 + 16 + 32 + 4 * 3 * 8 * 16) + 32 * 8);
    // two micro-batches of three layers are kept on the first stage, one on the second
    double tight = weights + 2 * 2 * 1000 + 2 * 100 + 400 + 100;
    StageChoice less = StageChoice.of(setting(2), COSTS, even, Optional.of(List.of(3, 3)), tight);
    assertEquals(List.of(1, 0), less.recomputed());
    InvalidInputException thrown =
        assertThrows(
            InvalidInputException.class,
            () -> StageChoice.of(setting(2), COSTS, even, Optional.empty(), 1000));
    assertTrue(
        thrown.getMessage().contains("no split of 6 layers over 2 stages"), thrown.getMessage());
  }

  @Test
  void aRunIsComparedTermByTerm() {
    List<Event> events = new ArrayList<>();
    for (int step = 1; step <= 9; step++) {
      double seconds = step <= 5 ? 99 : 100 + step;
      events.add(new Event.Step(step, step, 1, 0, 0, 1e-3, 1, seconds, 1, 0.1, 1 << 20, List.of()));
    }
    events.add(
        new Event.Timeline(
            8,
            List.of(
                new Event.Track(
                    0,
                    List.of(
                        new Event.Span("compute", "forward 0", 0, 26),
                        new Event.Span("compute", "backward 0", 26, 70),
                        new Event.Span("compute", "optimizer", 98, 5))))));
    events.add(new Event.Memory(8, List.of(new Event.RankMemory(0, 1000, 2000, 81_000))));
    Layout layout = new Layout(List.of(6), List.of(2), 4, 4, 4, 8, 0);
    Prediction prediction = Prediction.of(setting(1), COSTS, layout);
    Comparison comparison = Comparison.of(new RunEvents(Path.of("run"), events), prediction, 1);
    assertEquals(3, comparison.steps());
    assertEquals(
        List.of("step", "forward", "backward", "sums, optimiser, data", "memory"),
        comparison.rows().stream().map(Comparison.Row::name).toList());
    assertEquals(107, comparison.rows().getFirst().measured());
    assertEquals(103.0 / 107 - 1, comparison.rows().getFirst().error(), 1e-12);
    assertEquals(7, comparison.rows().get(3).measured(), 1e-12);
    assertEquals(80_000, comparison.rows().getLast().measured());
    assertThrows(
        InvalidInputException.class,
        () -> Comparison.of(new RunEvents(Path.of("run"), events.subList(0, 5)), prediction, 1));
  }
}
