package dev.graft.pipeline;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.graft.checkpoint.InvalidInputException;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;

class InterleavedTest {
  /** arXiv 2104.04473, section 2.2.2: c chunks divide the bubble of (p − 1) passes by c. */
  @Test
  void equalChunksDivideTheBubble() {
    for (int stages = 2; stages <= 5; stages++) {
      for (int chunks = 1; chunks <= 4; chunks++) {
        for (int groups = 1; groups <= 3; groups++) {
          int batches = groups * stages;
          var step =
              OneForwardOneBackward.simulate(
                  Collections.nCopies(stages * chunks, new StageTime(1, 2)), stages, batches, 0);
          assertEquals(3.0 * (batches * chunks + stages - 1), step.seconds(), 1e-9);
        }
      }
    }
  }

  @Test
  void everyPassRunsOnceAfterWhatItNeeds() {
    int stages = 3;
    int chunks = 2;
    int batches = 6;
    List<StageTime> times =
        List.of(
            new StageTime(1, 2),
            new StageTime(2, 3),
            new StageTime(1, 1),
            new StageTime(3, 4),
            new StageTime(1, 2),
            new StageTime(2, 5));
    var step = OneForwardOneBackward.simulate(times, stages, batches, 0.25);
    assertEquals(2 * stages * chunks * batches, step.passes().size());
    assertEquals(
        2L * stages * chunks * batches,
        step.passes().stream()
            .map(pass ->
                List.of(pass.stage(), pass.chunk(), pass.microBatch(), pass.isForward() ? 1 : 0))
            .distinct()
            .count());
    for (Pass pass : step.passes()) {
      for (Pass other : step.passes()) {
        int part = pass.chunk() * stages + pass.stage();
        int before = other.chunk() * stages + other.stage();
        boolean needs =
            pass.microBatch() == other.microBatch()
                && pass.isForward() == other.isForward()
                && (pass.isForward() ? before == part - 1 : before == part + 1);
        assertTrue(!needs || pass.start() >= other.end() + 0.25 - 1e-9);
        boolean overlap =
            !pass.equals(other)
                && pass.stage() == other.stage()
                && pass.start() < other.end() - 1e-9
                && other.start() < pass.end() - 1e-9;
        assertTrue(!overlap);
      }
    }
  }

  @Test
  void aliveCountsWhatTheScheduleKeeps() {
    for (int chunks = 1; chunks <= 3; chunks++) {
      int stages = 4;
      var step =
          OneForwardOneBackward.simulate(
              Collections.nCopies(stages * chunks, new StageTime(1, 2)), stages, 8, 0);
      for (int stage = 0; stage < stages; stage++) {
        int at = stage;
        int most = 0;
        int kept = 0;
        for (Pass pass : step.passes().stream().filter(p -> p.stage() == at).toList()) {
          kept += pass.isForward() ? 1 : -1;
          most = Math.max(most, kept);
        }
        assertEquals(most, OneForwardOneBackward.alive(stage, stages, chunks, 8));
      }
    }
  }

  @Test
  void partsThatDoNotGoOverTheStagesAreRefused() {
    assertThrows(
        InvalidInputException.class,
        () -> OneForwardOneBackward.simulate(Collections.nCopies(5, new StageTime(1, 1)), 2, 2, 0));
  }
}
