package dev.graft.task;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class PythonRandomTest {
  private static List<Integer> range(int end) {
    return IntStream.range(0, end).boxed().toList();
  }

  /** What CPython 3.11 draws, one after the other, from {@code random.Random(1234)}. */
  @Test
  void drawsArePythons() {
    PythonRandom random = new PythonRandom(1234);
    assertEquals(List.of(56, 14, 0, 11, 4), random.sample(range(64), 5));
    assertEquals(List.of(10, 12, 45, 30, 2), random.sample(range(64), 5));
    assertEquals(List.of(3, 2, 44, 61, 59), random.sample(range(64), 5));
    assertEquals(List.of(2, 1, 9), random.sample(range(10), 3));
    assertEquals(List.of(730, 117, 865, 14, 515, 498, 901, 988), random.sample(range(1000), 8));
    assertEquals(List.of(511, 132, 1108, 954, 140), random.sample(range(1319), 5));
    assertEquals(List.of(1231, 182, 1054, 1185, 94), random.sample(range(1319), 5));
  }
}
