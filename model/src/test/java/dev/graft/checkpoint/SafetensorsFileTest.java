package dev.graft.checkpoint;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SafetensorsFileTest {
  @TempDir private Path directory;

  @Test
  void aGoodFileIsRead() throws IOException {
    Path file =
        file(
            "{'a':{'dtype':'F32','shape':[2],'data_offsets':[0,8]},'b':{'dtype':'BF16','shape':[],'data_offsets':[8,10]}}",
            10);
    try (Safetensors opened = Safetensors.open(file)) {
      assertEquals(java.util.List.of("a", "b"), java.util.List.copyOf(opened.names()));
      assertEquals(1, opened.tensor("b").elements());
      assertArrayEquals(new float[] {0, 0}, opened.tensor("a").toFloats());
      assertMessage(
          "tensor c is missing",
          assertThrows(InvalidInputException.class, () -> opened.tensor("c")));
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{'a':{'dtype':'F32','shape':[4],'data_offsets':[0,16]}} | 8 | is truncated: tensor a ends at byte 16",
        "{'a':{'dtype':'F32','shape':[1],'data_offsets':[0,4]},'b':{'dtype':'F32','shape':[1],'data_offsets':[2,6]}} | 6 | overlaps",
        "{'a':{'dtype':'F32','shape':[1],'data_offsets':[0,4]},'b':{'dtype':'F32','shape':[1],'data_offsets':[8,12]}} | 12 | belong to none",
        "{'a':{'dtype':'F32','shape':[1],'data_offsets':[0,4]}} | 9 | bytes at its end that belong to no tensor",
        "{'a':{'dtype':'F32','shape':[2],'data_offsets':[0,4]}} | 4 | needs 8 bytes but has 4",
        "{'a':{'dtype':'F31','shape':[1],'data_offsets':[0,4]}} | 4 | has dtype 'F31', which Graft does not read",
        "{'a':{'dtype':'F32','shape':[-1],'data_offsets':[0,4]}} | 4 | a shape that is not a list of sizes",
        "{'a':{'dtype':'F32','shape':[4611686018427387904,8],'data_offsets':[0,4]}} | 4 | an impossible shape",
        "{'a':{'dtype':'F32','shape':[1],'data_offsets':[4,0]}} | 4 | data_offsets that are not a range",
        "{'a':{'dtype':'F32','shape':[1]}} | 4 | has no data_offsets",
        "[1,2] | 0 | a header that is not a JSON object",
        "{nonsense | 0 | a header that is not JSON",
      })
  void whatIsDamagedIsNamed(String header, int dataBytes, String expected) throws IOException {
    Path file = file(header, dataBytes);
    InvalidInputException refused =
        assertThrows(InvalidInputException.class, () -> Safetensors.open(file));
    assertMessage(expected, refused);
    assertMessage(file.toString(), refused);
  }

  @Test
  void headerLengthsBeyondTheFileAreRefused() throws IOException {
    for (long length : new long[] {1000, Long.MAX_VALUE, -1, 0}) {
      Path file = directory.resolve("length" + length);
      Files.write(
          file, ByteBuffer.allocate(20).order(ByteOrder.LITTLE_ENDIAN).putLong(length).array());
      assertMessage(
          "has a header length of",
          assertThrows(InvalidInputException.class, () -> Safetensors.open(file)));
    }
    Path tiny = Files.write(directory.resolve("tiny"), new byte[3]);
    assertMessage(
        "is 3 bytes long", assertThrows(InvalidInputException.class, () -> Safetensors.open(tiny)));
    Path absent = directory.resolve("absent");
    assertMessage(
        "there is no such file",
        assertThrows(InvalidInputException.class, () -> Safetensors.open(absent)));
  }

  private Path file(String header, int dataBytes) throws IOException {
    byte[] json = header.replace('\'', '"').getBytes(StandardCharsets.UTF_8);
    ByteBuffer buffer =
        ByteBuffer.allocate(8 + json.length + dataBytes).order(ByteOrder.LITTLE_ENDIAN);
    buffer.putLong(json.length).put(json);
    return Files.write(directory.resolve("model.safetensors"), buffer.array());
  }

  private static void assertMessage(String expected, Exception thrown) {
    assertTrue(thrown.getMessage().contains(expected), thrown.getMessage());
  }
}
