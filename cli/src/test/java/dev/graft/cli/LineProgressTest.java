package dev.graft.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.graft.cli.Progress.Unit;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

class LineProgressTest {
  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();
  private final PrintStream out = new PrintStream(bytes, true, StandardCharsets.UTF_8);
  private long second;

  private LineProgress progress(String task, Unit unit, long done, OptionalLong total) {
    return new LineProgress(task, unit, done, total, out, () -> Instant.ofEpochSecond(second));
  }

  private List<String> lines() {
    return bytes.toString(StandardCharsets.UTF_8).lines().toList();
  }

  @Test
  void aLineEveryFiveSecondsWithRateTimeLeftAndText() {
    try (Progress train = progress("train", Unit.STEPS, 0, OptionalLong.of(200))) {
      for (second = 1; second <= 7; second++) {
        train.message("loss " + second);
        train.to(2 * second);
      }
      second = 100;
      train.to(200);
    }
    assertEquals(
        List.of(
            "train: 10 of 200 steps (5 %), 2.00 steps/s, 1 min 35 s left, loss 5",
            "train: 200 of 200 steps (100 %), 2.00 steps/s, 1 min 40 s in all, loss 7"),
        lines());
  }

  @Test
  void stepsDoneBeforeAResumeDoNotCountTowardsTheRate() {
    try (Progress train = progress("train", Unit.STEPS, 100, OptionalLong.of(200))) {
      second = 10;
      train.add(10);
    }
    assertEquals("train: 110 of 200 steps (55 %), 1.00 steps/s, 1 min 30 s left", lines().get(0));
  }

  @Test
  void bytesAreMegabytesAndATotalMayBeUnknown() {
    try (Progress copy = progress("upcycle", Unit.BYTES, 0, OptionalLong.empty())) {
      second = 2;
      copy.add(500_000_000);
    }
    assertEquals(List.of("upcycle: 500.0 MB, 250 MB/s, 2 s in all"), lines());
  }

  @Test
  void nothingDoneHasNoRate() {
    try (Progress copy = progress("upcycle", Unit.BYTES, 0, OptionalLong.of(0))) {
      copy.add(0);
    }
    assertEquals(List.of("upcycle: 0.0 of 0.0 MB"), lines());
  }
}
