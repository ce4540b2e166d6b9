package dev.graft.events;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EventLogTest {
  @TempDir Path folder;

  private static Event.Step step(int step, double loss, LayerStats... layers) {
    return new Event.Step(
        step, step * 256L, loss, 1e-3, 0, 3e-4, 1.5, 0.1, 2560, 0.25, 1 << 20, List.of(layers));
  }

  private Path written(Event... events) throws IOException {
    Path file = folder.resolve("run/events.jsonl");
    try (EventLog log = EventLog.append(file)) {
      for (Event event : events) {
        log.write(event);
      }
    }
    return file;
  }

  @Test
  void everyKindOfEventReadsBackEqual() throws IOException {
    List<Event> events =
        List.of(
            new Event.Run(
                "a \"quoted\"\nname",
                Map.of("steps", 3, "optimizer", Map.of("lr", 3e-4, "betas", List.of(0.9, 0.95))),
                Map.of("parameters", 146_000_000_000L, "tied", true),
                1.5e9,
                "6 N + 12 L H Q T"),
            step(1, 2.5, new LayerStats(3, 0.1, 2e-4, 0.01, 2, 1.5, 0.7, List.of(0.75, 0.25))),
            new Event.Validation(1, 256, 2.25, 4096),
            new Event.Similarity(1, 256, List.of(1.0, 0.5)),
            new Event.Sample(1, "Once", " upon a time\u2028 ☃ \uD83C\uDF31"),
            new Event.Communication(1, List.of(new Event.Exchange(1, "data", 4096, 0.25))),
            new Event.Memory(
                5, List.of(new Event.RankMemory(0, 400_000_000, 500_000_000, 1L << 33))),
            new Event.Timeline(
                1,
                List.of(new Event.Track(1, List.of(new Event.Span("compute", "f", 0.125, 0.5))))),
            new Event.Saved(1, "checkpoints/step-1"));
    Path file = written(events.toArray(Event[]::new));
    assertEquals(events, RunEvents.read(file).events());
    assertEquals(events, RunEvents.read(file.getParent()).events());
    assertEquals(events.size(), Files.readAllLines(file).size());
  }

  @Test
  void fieldsAreInSnakeCaseAndTheEventComesFirst() throws IOException {
    LayerStats layer = new LayerStats(0, 0.5, 0.01, 0.25, 2, 3, 1, List.of(0.5, 0.5));
    List<String> lines =
        Files.readAllLines(written(step(7, 2.5, layer), new Event.Saved(7, "checkpoints/7")));
    assertEquals(
        "{\"event\":\"step\",\"step\":7,\"tokens\":1792,\"loss\":2.5,\"aux_loss\":0.001,"
            + "\"z_loss\":0.0,\"lr\":3.0E-4,\"grad_norm\":1.5,\"seconds\":0.1,"
            + "\"tokens_per_second\":2560.0,\"mfu\":0.25,\"memory_bytes\":1048576,\"layers\":["
            + "{\"layer\":0,\"drop_rate\":0.5,\"alpha\":0.01,\"aux_loss\":0.25,"
            + "\"max1_over_max2\":2.0,\"max2_over_max3\":3.0,\"entropy\":1.0,\"load\":[0.5,0.5]}]}",
        lines.get(0));
    assertEquals("{\"event\":\"checkpoint\",\"step\":7,\"path\":\"checkpoints/7\"}", lines.get(1));
  }

  @Test
  void doublesReadBackBitForBit() throws IOException {
    List<Double> values =
        new ArrayList<>(
            List.of(
                Double.NaN,
                Double.POSITIVE_INFINITY,
                Double.NEGATIVE_INFINITY,
                -0.0,
                Double.MIN_VALUE,
                Double.MIN_NORMAL,
                Double.MAX_VALUE,
                0.1,
                1e23,
                2.225073858507201E-308));
    Random random = new Random(1);
    while (values.size() < 20_000) {
      double value = Double.longBitsToDouble(random.nextLong());
      values.add(Double.isNaN(value) ? random.nextDouble() : value);
    }
    Path file = written(step(1, Double.NaN), new Event.Similarity(1, 256, values));
    RunEvents read = RunEvents.read(file);
    assertTrue(Double.isNaN(read.of(Event.Step.class).getFirst().loss()));
    List<Double> back = read.of(Event.Similarity.class).getFirst().layers();
    for (int i = 0; i < values.size(); i++) {
      assertEquals(
          Double.doubleToLongBits(values.get(i)), Double.doubleToLongBits(back.get(i)), "at " + i);
    }
  }

  @Test
  void aTornLastLineIsPassedOverByTheReaderAndDroppedByTheWriter() throws IOException {
    Path file = written(step(1, 2.5), step(2, 2.25));
    byte[] whole = Files.readAllBytes(file);
    long firstLine = Files.readAllLines(file).getFirst().length() + 1L;
    for (long cut = firstLine; cut < whole.length; cut++) {
      Files.write(file, java.util.Arrays.copyOf(whole, (int) cut));
      // only the newline is missing: the event is whole
      List<Event> kept =
          cut == whole.length - 1 ? List.of(step(1, 2.5), step(2, 2.25)) : List.of(step(1, 2.5));
      assertEquals(kept, RunEvents.read(file).events(), "cut at " + cut);
      try (EventLog log = EventLog.append(file)) {
        log.write(step(3, 2));
      }
      List<Event> grown = new ArrayList<>(kept);
      grown.add(step(3, 2));
      assertEquals(grown, RunEvents.read(file).events(), "cut at " + cut);
    }
  }

  @Test
  void resumeDropsWhatLiesBeyondTheCheckpoint() throws IOException {
    Event.Run run = new Event.Run("r", Map.of(), Map.of(), 1, "6 N");
    Path file =
        written(
            run,
            step(1, 3),
            new Event.Validation(1, 256, 3, 64),
            step(2, 2),
            new Event.Saved(2, "checkpoints/2"),
            step(3, 1),
            run,
            new Event.Sample(3, "", "x"));
    Files.writeString(file, "{\"event\":\"st", StandardOpenOption.APPEND);
    try (EventLog log = EventLog.resume(file, 2)) {
      log.write(step(3, 0.5));
    }
    assertEquals(
        List.of(
            run,
            step(1, 3),
            new Event.Validation(1, 256, 3, 64),
            step(2, 2),
            new Event.Saved(2, "checkpoints/2"),
            step(3, 0.5)),
        RunEvents.read(file).events());
    try (EventLog log = EventLog.resume(file, 0)) {
      log.write(step(1, 4));
    }
    assertEquals(List.of(run, step(1, 4)), RunEvents.read(file).events());
  }

  @Test
  void eventsOfOtherNamesAndFieldsAreIgnored() throws IOException {
    Path file = written(step(1, 2.5));
    Files.writeString(
        file,
        "{\"event\":\"from the future\",\"step\":1}\n\n"
            + "{\"event\":\"validation\",\"step\":1,\"tokens\":256,\"loss\":2,"
            + "\"validation_tokens\":8,\"new_field\":[1]}\n",
        StandardOpenOption.APPEND);
    assertEquals(
        List.of(step(1, 2.5), new Event.Validation(1, 256, 2, 8)), RunEvents.read(file).events());
  }

  @Test
  void aBadLineIsNamedByFileAndNumber() throws IOException {
    Path file = written(step(1, 2.5));
    for (String bad :
        List.of(
            "not json",
            "[1, 2]",
            "{\"event\":\"validation\"",
            "{\"event\":\"validation\",\"step\":1,\"tokens\":256,\"validation_tokens\":8}",
            "{\"event\":\"validation\",\"step\":\"one\",\"tokens\":1,\"loss\":2,"
                + "\"validation_tokens\":8}",
            "{\"event\":\"similarity\",\"step\":1,\"tokens\":1,\"layers\":null}",
            "{\"event\":\"run\"} {}")) {
      Files.writeString(file, bad + "\n");
      String message =
          assertThrows(InvalidRunException.class, () -> RunEvents.read(file), bad).getMessage();
      assertTrue(message.startsWith(file + ", line 1 is not an event ("), message);
      assertTrue(message.indexOf('\n') < 0, message);
    }
  }

  @Test
  void aMissingFileIsNamed() {
    String message =
        assertThrows(InvalidRunException.class, () -> RunEvents.read(folder)).getMessage();
    assertTrue(message.contains(folder.resolve("events.jsonl") + " does not exist"), message);
  }
}
