package dev.graft.routing;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class CapacityTest {
  /** By hand: ⌈1.25 · 2 · 10 / 8⌉ = ⌈3.125⌉. */
  @Test
  void roundsUp() {
    assertEquals(4, Capacity.of(1.25, 2, 10, 8));
    assertEquals(2, Capacity.of(1.0, 2, 8, 8));
  }

  /** Against seats given out one by one over the unsplit group. */
  @Test
  void partsOfAGroupKeepWhatTheWholeWould() {
    SplittableRandom random = new SplittableRandom(1);
    for (int round = 0; round < 200; round++) {
      int experts = 1 + random.nextInt(5);
      int choices = 1 + random.nextInt(Math.min(3, experts));
      int parts = 1 + random.nextInt(4);
      int capacity = random.nextInt(6);
      List<int[][]> chosen = new ArrayList<>(); // per part [token][choice]
      List<long[][]> counts = new ArrayList<>();
      for (int p = 0; p < parts; p++) {
        int[][] tokens = new int[random.nextInt(7)][choices];
        long[][] count = new long[choices][experts];
        for (int[] token : tokens) {
          for (int c = 0; c < choices; c++) {
            token[c] = random.nextInt(experts);
            count[c][token[c]]++;
          }
        }
        chosen.add(tokens);
        counts.add(count);
      }
      long[][] kept = new long[parts][experts];
      long[] taken = new long[experts];
      for (int c = 0; c < choices; c++) {
        for (int p = 0; p < parts; p++) {
          for (int[] token : chosen.get(p)) {
            if (taken[token[c]] < capacity) {
              taken[token[c]]++;
              kept[p][token[c]]++;
            }
          }
        }
      }
      for (int p = 0; p < parts; p++) {
        assertArrayEquals(kept[p], Capacity.kept(counts, p, capacity), "round " + round);
      }
    }
  }
}
