package dev.graft.loop;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.graft.loop.PipelineSchedule.Work;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PipelineScheduleTest {
  /** Stages take turns; each does its next piece of work as soon as what it needs is there. */
  @ParameterizedTest
  @CsvSource({"1,1,3", "2,1,1", "2,1,5", "4,1,8", "4,1,2", "2,2,4", "3,2,6", "4,3,8", "2,4,2"})
  void allWorkIsDoneAndNobodyWaitsForever(int stages, int chunks, int micros) {
    List<List<Work>> orders = new ArrayList<>();
    for (int s = 0; s < stages; s++) {
      orders.add(PipelineSchedule.of(stages, s, chunks, micros));
      assertEquals(2 * chunks * micros, new HashSet<>(orders.get(s)).size());
    }
    int last = stages * chunks - 1;
    Set<String> done = new HashSet<>();
    int[] at = new int[stages];
    boolean moved = true;
    while (moved) {
      moved = false;
      for (int s = 0; s < stages; s++) {
        while (at[s] < orders.get(s).size()) {
          Work work = orders.get(s).get(at[s]);
          int part = work.chunk() * stages + s;
          boolean ready =
              work.forward()
                  ? part == 0 || done.contains(key(true, part - 1, work.micro()))
                  : done.contains(key(true, part, work.micro()))
                      && (part == last || done.contains(key(false, part + 1, work.micro())));
          if (!ready) {
            break;
          }
          done.add(key(work.forward(), part, work.micro()));
          at[s]++;
          moved = true;
        }
      }
    }
    assertEquals(2 * (last + 1) * micros, done.size());
  }

  private static String key(boolean forward, int part, int micro) {
    return forward + " " + part + " " + micro;
  }

  /** 1F1B: stage s has at most stages − s micro-batches under way. */
  @Test
  void earlyStagesHoldMore() {
    for (int s = 0; s < 4; s++) {
      int under = 0;
      int most = 0;
      for (Work work : PipelineSchedule.of(4, s, 1, 16)) {
        under += work.forward() ? 1 : -1;
        most = Math.max(most, under);
      }
      assertEquals(4 - s, most);
      assertTrue(under == 0);
    }
  }
}
