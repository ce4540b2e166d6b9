package dev.graft.quantize;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.graft.checkpoint.Models;
import java.io.IOException;
import java.nio.file.Files;
import java.util.OptionalDouble;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The encoder against PyTorch's, and against the definition: the nearest of the 253 numbers. */
class Float8EncoderTest {
  /** [float32 bits, -, PyTorch's byte after clamping to ±448, -]. */
  @Test
  void encodesAsPyTorchDoes() throws IOException {
    JsonNode golden = read("golden/fp8/e4m3fn.json").get("encode");
    assertTrue(golden.size() > 2000);
    for (JsonNode row : golden) {
      float value = bits(row.get(0).asString());
      int expected = row.get(2).intValue();
      assertEquals(expected, Float8Encoder.encode(value) & 0xFF, row.get(0).asString());
    }
  }

  @Test
  void quantisesTheGoldenTensor() throws IOException {
    JsonNode golden = read("golden/fp8/tensor.json");
    JsonNode w = golden.get("w");
    int rows = w.size();
    int columns = w.get(0).size();
    float[] values = new float[rows * columns];
    float largest = 0;
    for (int i = 0; i < values.length; i++) {
      values[i] = bits(w.get(i / columns).get(i % columns).asString());
      largest = Math.max(largest, Math.abs(values[i]));
    }
    float scale = Float8Panels.scale(largest);
    assertEquals(bits(golden.get("scale_bits").asString()), scale, 0f);
    Panel panel = Panel.of(rows, columns, 1);
    System.arraycopy(values, 0, panel.values(), 0, values.length);
    new Float8Panels(rows, columns, OptionalDouble.of(scale)).code(panel);
    for (int i = 0; i < values.length; i++) {
      int row = i / columns;
      int column = i % columns;
      assertEquals(golden.get("q").get(row).get(column).intValue(), panel.codes()[i] & 0xFF);
      float dequantised = golden.get("dequant").get(row).get(column).floatValue();
      assertEquals(dequantised, panel.readBack()[i], 0f);
    }
  }

  @Test
  void everyCodeComesBack() {
    for (int code = 0; code < 256; code++) {
      boolean number = (code & 0x7F) != 0x7F;
      float value = number ? decode(code) : Float.intBitsToFloat(code << 24 | 0x7FC00000);
      assertEquals(code, Float8Encoder.encode(value) & 0xFF);
    }
  }

  @Test
  void takesTheNearestAndOnTiesTheEvenOne() {
    SplittableRandom random = new SplittableRandom(7);
    for (int i = 0; i < 200_000; i++) {
      float value =
          switch (i % 4) {
            case 0 -> Float.intBitsToFloat(random.nextInt());
            case 1 -> (float) (random.nextGaussian() * Math.exp(3 * random.nextGaussian()));
            case 2 -> (float) (random.nextDouble() - 0.5) * 0x1p-6f;
            default -> tie(random.nextInt(0, 126));
          };
      if (Float.isNaN(value)) {
        continue;
      }
      assertEquals(nearest(value), Float8Encoder.encode(value) & 0x7F, "of " + value);
      assertEquals(
          Float.floatToRawIntBits(value) < 0, Float8Encoder.encode(value) < 0, "of " + value);
    }
  }

  private static float tie(int code) {
    return (decode(code) + decode(code + 1)) / 2;
  }

  private static int nearest(float value) {
    double magnitude = Math.min(448, Math.abs(value));
    int best = 0;
    for (int code = 0; code < 127; code++) {
      double distance = Math.abs(decode(code) - magnitude);
      double least = Math.abs(decode(best) - magnitude);
      if (distance < least || (distance == least && code % 2 == 0)) {
        best = code;
      }
    }
    return best;
  }

  /** By the definition: (-1)^s · 2^(e-7) · (1 + m/8), or 2^-6 · m/8 where e is 0. */
  private static float decode(int code) {
    int exponent = code >> 3 & 15;
    int mantissa = code & 7;
    if (exponent == 15 && mantissa == 7) {
      return Float.NaN;
    }
    double magnitude =
        exponent == 0
            ? Math.scalb(mantissa / 8.0, -6)
            : Math.scalb(1 + mantissa / 8.0, exponent - 7);
    return (float) (code > 127 ? -magnitude : magnitude);
  }

  private static float bits(String hex) {
    return Float.intBitsToFloat(Integer.parseUnsignedInt(hex, 16));
  }

  private static JsonNode read(String file) throws IOException {
    return JsonMapper.shared().readTree(Files.readString(Models.shared(file)));
  }
}
