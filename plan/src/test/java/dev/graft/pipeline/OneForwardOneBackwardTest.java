package dev.graft.pipeline;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.graft.checkpoint.InvalidInputException;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;

class OneForwardOneBackwardTest {
  @Test
  void equalStagesTakeTheClosedFormulasTime() {
    for (int stages = 1; stages <= 6; stages++) {
      for (int batches = 1; batches <= 9; batches++) {
        var step =
            OneForwardOneBackward.simulate(
                Collections.nCopies(stages, new StageTime(1, 2)), batches, 0);
        assertEquals(3.0 * (batches + stages - 1), step.seconds(), 1e-9);
        assertEquals((stages - 1.0) / (batches + stages - 1), step.bubble(), 1e-9);
      }
    }
  }

  @Test
  void twoUnequalStagesAreAsWorkedByHand() {
    // Stage 0: F0 0-1, F1 1-2, B0 7-9, B1 13-15; stage 1: F0 1-3, B0 3-7, F1 7-9, B1 9-13.
    var step =
        OneForwardOneBackward.simulate(List.of(new StageTime(1, 2), new StageTime(2, 4)), 2, 0);
    assertEquals(15, step.seconds(), 1e-9);
  }

  @Test
  void noStagesAreRefused() {
    assertThrows(
        InvalidInputException.class, () -> OneForwardOneBackward.simulate(List.of(), 1, 0));
  }
}
