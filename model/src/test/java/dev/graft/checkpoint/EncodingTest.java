package dev.graft.checkpoint;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class EncodingTest {
  /** PyTorch decoded the 256 codes. */
  @Test
  void everyFp8CodeDecodesAsPyTorchDoes() throws IOException {
    JsonNode golden =
        JsonMapper.shared().readTree(Files.readString(Models.shared("golden/fp8/e4m3fn.json")));
    JsonNode decoded =
        golden.properties().stream()
            .filter(e -> e.getValue().size() == 256)
            .findFirst()
            .orElseThrow()
            .getValue();
    for (int code = 0; code < 256; code++) {
      JsonNode value = decoded.get(code);
      float expected = value.isNumber() ? value.floatValue() : Float.NaN;
      assertEquals(expected, Decoder.float8((byte) code), 0f, "code " + code);
    }
  }

  @ParameterizedTest
  @CsvSource({
    "1.0, 0x3F80",
    "-2.0, 0xC000",
    "0, 0",
    // half-way cases go to the even neighbour
    "1.00390625, 0x3F80",
    "1.01171875, 0x3F82",
    "3.4028235e38, 0x7F80",
    "1e-45, 0",
  })
  void bfloat16RoundsToNearestEven(float value, String bits) {
    assertEquals(Integer.decode(bits) & 0xFFFF, Encoder.bfloat16(value) & 0xFFFF);
    assertEquals(0x7FC0, Encoder.bfloat16(Float.NaN) & 0x7FC0);
  }
}
