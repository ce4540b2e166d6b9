package dev.graft.tensorboard;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.CodedInputStream;
import com.google.protobuf.WireFormat;
import dev.graft.events.Event;
import dev.graft.events.LayerStats;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class TensorBoardWriterTest {
  /** One decoded record. */
  private record Decoded(
      double wallTime, long step, String version, boolean start, Map<String, Float> scalars) {}

  @TempDir Path folder;

  private static Event.Step step(int step) {
    LayerStats layer = new LayerStats(2, 0.125, 0.01, 0.25, 2, 1.5, 0.5, List.of(0.5, 0.5));
    return new Event.Step(
        step, 100L * step, 2.5, 0.25, 0.5, 3e-4, 1.5, 0.1, 1000, 0.25, 4096, List.of(layer));
  }

  @Test
  void theChecksumIsTheOneOfTheStandard() {
    // RFC 3720, B.4: CRC-32C of 32 zero bytes is 0x8A9136AA; the mask is TensorFlow's
    int crc = 0x8A9136AA;
    assertEquals(
        ((crc >>> 15) | (crc << 17)) + 0xa282ead8, RecordFrame.maskedCrc(new byte[32], 32));
  }

  @Test
  void scalarsOfEveryEventReadBack() throws IOException {
    try (TensorBoardWriter writer =
        TensorBoardWriter.open(folder, () -> Instant.ofEpochMilli(1_700_000_000_250L))) {
      writer.write(new Event.Run("r", Map.of(), Map.of(), 1, ""));
      writer.write(step(7));
      writer.write(new Event.Validation(7, 700, 2.25, 64));
      writer.write(new Event.Similarity(7, 700, List.of(1.0, 0.5)));
      writer.write(new Event.Sample(7, "a", "b"));
    }
    List<Decoded> records = decode(files().getFirst());
    assertEquals(5, records.size());
    assertEquals("brain.Event:2", records.get(0).version());
    assertTrue(records.get(1).start());
    assertEquals(7, records.get(1).step());
    assertTrue(records.stream().allMatch(record -> record.wallTime() == 1_700_000_000.25));
    Map<String, Float> expected = new LinkedHashMap<>();
    expected.put("loss/train", 2.5f);
    expected.put("loss/auxiliary", 0.25f);
    expected.put("loss/z", 0.5f);
    expected.put("optimizer/lr", 3e-4f);
    expected.put("optimizer/grad_norm", 1.5f);
    expected.put("throughput/tokens_per_second", 1000f);
    expected.put("throughput/mfu", 0.25f);
    expected.put("memory/resident_bytes", 4096f);
    expected.put("drop_rate/layer_02", 0.125f);
    expected.put("alpha/layer_02", 0.01f);
    expected.put("max1_over_max2/layer_02", 2f);
    expected.put("max2_over_max3/layer_02", 1.5f);
    expected.put("gate_entropy/layer_02", 0.5f);
    assertEquals(expected, records.get(2).scalars());
    assertEquals(7, records.get(2).step());
    assertEquals(Map.of("loss/validation", 2.25f), records.get(3).scalars());
    assertEquals(
        Map.of("expert_similarity/layer_00", 1f, "expert_similarity/layer_01", 0.5f),
        records.get(4).scalars());
  }

  @Test
  void aResumedRunStartsAFileThatSortsLaterAndForgetsWhatItRedoes() throws IOException {
    for (int first : new int[] {1, 5, 3}) {
      try (TensorBoardWriter writer =
          TensorBoardWriter.open(folder, () -> Instant.ofEpochSecond(1_700_000_000L))) {
        writer.write(step(first));
        writer.write(step(first + 1));
      }
    }
    List<Path> files = files();
    assertEquals(3, files.size());
    List<Decoded> last = decode(files.getLast());
    assertTrue(last.get(1).start());
    assertEquals(3, last.get(1).step());
    assertFalse(last.get(3).start());
    assertEquals(4, last.get(3).step());
  }

  private List<Path> files() throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.sorted().toList();
    }
  }

  private static List<Decoded> decode(Path file) throws IOException {
    ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(file)).order(ByteOrder.LITTLE_ENDIAN);
    List<Decoded> records = new ArrayList<>();
    while (bytes.hasRemaining()) {
      byte[] length = new byte[8];
      bytes.get(bytes.position(), length);
      byte[] record = new byte[Math.toIntExact(bytes.getLong())];
      assertEquals(RecordFrame.maskedCrc(length, 8), bytes.getInt());
      bytes.get(record);
      assertEquals(RecordFrame.maskedCrc(record, record.length), bytes.getInt());
      records.add(event(CodedInputStream.newInstance(record)));
    }
    return records;
  }

  private static Decoded event(CodedInputStream in) throws IOException {
    double wallTime = 0;
    long step = 0;
    String version = "";
    boolean start = false;
    Map<String, Float> scalars = new LinkedHashMap<>();
    for (int tag = in.readTag(); tag != 0; tag = in.readTag()) {
      switch (WireFormat.getTagFieldNumber(tag)) {
        case 1 -> wallTime = in.readDouble();
        case 2 -> step = in.readInt64();
        case 3 -> version = in.readString();
        case 5 -> summary(CodedInputStream.newInstance(in.readByteArray()), scalars);
        case 7 -> start = in.readByteArray()[1] == 1;
        default -> throw new IOException("field of tag " + tag);
      }
    }
    return new Decoded(wallTime, step, version, start, scalars);
  }

  private static void summary(CodedInputStream in, Map<String, Float> scalars) throws IOException {
    while (in.readTag() != 0) {
      CodedInputStream value = CodedInputStream.newInstance(in.readByteArray());
      assertEquals(1, WireFormat.getTagFieldNumber(value.readTag()));
      String name = new String(value.readByteArray(), StandardCharsets.UTF_8);
      assertEquals(2, WireFormat.getTagFieldNumber(value.readTag()));
      scalars.put(name, value.readFloat());
    }
  }
}
