package dev.graft.loop;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ScheduleTest {
  @ParameterizedTest
  @CsvSource({
    // warm-up is the same for all
    "COSINE, 5, 0.5",
    "WSD, 10, 1.0",
    // half-way through the 100 steps after warm-up
    "COSINE, 60, 0.55",
    "LINEAR, 60, 0.55",
    "CONSTANT, 60, 1.0",
    // the last fifth of 110 steps is 22: 88 is the last stable one, 99 half-way down
    "WSD, 88, 1.0",
    "WSD, 99, 0.55",
    "COSINE, 110, 0.1",
    "LINEAR, 110, 0.1",
    "WSD, 110, 0.1",
    "CONSTANT, 110, 1.0",
  })
  void learningRate(Schedule.Kind kind, int step, double expected) {
    assertEquals(expected, new Schedule(kind, 1.0, 0.1, 10, 110, 0.2).at(step), 1e-12);
  }
}
