package dev.graft.gguf;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GgufFileTest {
  private static final Map<String, GgufValue> METADATA = new LinkedHashMap<>();

  static {
    METADATA.put("text", new GgufValue.Text("Ġé🙂"));
    METADATA.put("whole", new GgufValue.Whole(4_000_000_000L));
    METADATA.put("negative", new GgufValue.Whole(-5));
    METADATA.put("real", new GgufValue.Real(1e-5));
    METADATA.put("flag", new GgufValue.Flag(true));
    METADATA.put("texts", new GgufValue.Texts(List.of("", "a", "▁b")));
    METADATA.put("wholes", new GgufValue.Wholes(List.of(1L, -1L, 3L)));
    METADATA.put("reals", new GgufValue.Reals(List.of(0.5f, -1000f)));
  }

  @TempDir Path folder;
  private Path file;

  @BeforeEach
  void write() throws IOException {
    file = folder.resolve("a.gguf");
    List<GgufWriter.Declared> declared =
        List.of(
            new GgufWriter.Declared("vector", GgmlType.F32, List.of(3L)),
            new GgufWriter.Declared("stack", GgmlType.Q8_0, List.of(2L, 3L, 64L)));
    try (GgufWriter writer = GgufWriter.create(file, METADATA, declared)) {
      // The second half first: pieces come in any order.
      byte[] stack = stack();
      writer.write("stack", 204, MemorySegment.ofArray(Arrays.copyOfRange(stack, 204, 408)));
      writer.write("stack", 0, MemorySegment.ofArray(Arrays.copyOf(stack, 204)));
      writer.write("vector", 0, MemorySegment.ofArray(new byte[] {0, 0, 0x60, 0x40}));
      writer.commit();
    }
  }

  private static byte[] stack() {
    byte[] stack = new byte[2 * 3 * 2 * 34];
    for (int i = 0; i < stack.length; i++) {
      stack[i] = (byte) i;
    }
    return stack;
  }

  @Test
  void whatIsWrittenIsRead() throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      GgufFile gguf = GgufFile.open(file, arena);
      assertEquals(METADATA, gguf.metadata().values());
      assertEquals(List.of("vector", "stack"), List.copyOf(gguf.tensors().keySet()));
      GgufTensor stack = gguf.tensors().get("stack");
      assertEquals(List.of(2L, 3L, 64L), stack.shape());
      assertEquals(0, stack.position() % 32);
      assertArrayEquals(stack(), gguf.data(stack).toArray(ValueLayout.JAVA_BYTE));
      assertEquals(
          3.5f, gguf.data(gguf.tensors().get("vector")).get(ValueLayout.JAVA_FLOAT_UNALIGNED, 0));
    }
    try (var files = Files.list(folder)) {
      assertEquals(List.of(file), files.toList());
    }
  }

  @Test
  void anUncommittedFileLeavesNothing() throws IOException {
    Path other = folder.resolve("b.gguf");
    try (GgufWriter writer =
        GgufWriter.create(
            other, Map.of(), List.of(new GgufWriter.Declared("v", GgmlType.F16, List.of(4L))))) {
      writer.write("v", 0, MemorySegment.ofArray(new byte[8]));
      assertThrows(
          IllegalArgumentException.class,
          () -> writer.write("v", 4, MemorySegment.ofArray(new byte[8])));
      assertFalse(Files.exists(other));
    }
    try (var files = Files.list(folder)) {
      assertEquals(List.of(file), files.toList());
    }
  }

  /** Cut anywhere, in the header or in the data, a file is refused. */
  @Test
  void everyTruncationIsRefused() throws IOException {
    byte[] whole = Files.readAllBytes(file);
    int data = whole.length - 416 - 32; // the stack and its padding, the vector and its
    for (int length = 0; length < whole.length - 8; length += length < data ? 1 : 97) {
      byte[] cut = Arrays.copyOf(whole, length);
      String message = refusal(cut);
      assertTrue(message.startsWith(file + ": "), message);
      assertTrue(length < 4 || message.contains("truncated"), message);
    }
  }

  @Test
  void damageIsNamed() throws IOException {
    byte[] whole = Files.readAllBytes(file);
    assertRefused(whole, 0, 0x12345678, "does not begin with the letters GGUF");
    assertRefused(whole, 4, 1, "version is 1;");
    assertRefused(whole, 4, 0x03000000, "3 in big-endian order");
    assertRefused(whole, 8, Integer.MAX_VALUE, "2147483647 tensors");
    int vector = indexOf(whole, "vector");
    assertRefused(whole, vector + 6, 9, "vector has 9 dimensions");
    assertRefused(whole, vector + 10, 0, "impossible dimension 0");
    assertRefused(whole, vector + 18, 12, "has the type Q4_K, which Graft does not read");
    assertRefused(whole, vector + 18, 4711, "has the type number 4711");
    assertRefused(whole, vector + 18, 8, "rows of 3 elements, which are no whole blocks of Q8_0");
    assertRefused(whole, vector + 22, 7, "truncated or damaged");
    assertRefused(whole, indexOf(whole, "text") + 4, 99, "text has the value type 99");
  }

  @Test
  void aValueOfAnotherKindIsNamed() throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      GgufMetadata metadata = GgufFile.open(file, arena).metadata();
      assertEquals(1e-5, metadata.real("real").orElseThrow());
      assertTrue(metadata.text("absent").isEmpty());
      String kind =
          assertThrows(GgufFormatException.class, () -> metadata.whole("text")).getMessage();
      assertTrue(kind.contains("text is not one whole number"), kind);
      String absent =
          assertThrows(GgufFormatException.class, () -> metadata.require("absent", metadata::texts))
              .getMessage();
      assertTrue(absent.contains("lacks absent"), absent);
    }
  }

  private void assertRefused(byte[] whole, int at, int value, String reason) throws IOException {
    byte[] damaged = whole.clone();
    ByteBuffer.wrap(damaged).order(ByteOrder.LITTLE_ENDIAN).putInt(at, value);
    String message = refusal(damaged);
    assertTrue(message.contains(reason), message);
  }

  private String refusal(byte[] content) throws IOException {
    Files.write(file, content);
    try (Arena arena = Arena.ofConfined()) {
      return assertThrows(GgufFormatException.class, () -> GgufFile.open(file, arena)).getMessage();
    }
  }

  private static int indexOf(byte[] content, String text) {
    return new String(content, java.nio.charset.StandardCharsets.ISO_8859_1).indexOf(text);
  }
}
