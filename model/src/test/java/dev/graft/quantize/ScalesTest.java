package dev.graft.quantize;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.graft.checkpoint.Checkpoint;
import dev.graft.checkpoint.CheckpointWriter;
import dev.graft.checkpoint.CheckpointWriter.Declared;
import dev.graft.checkpoint.DType;
import dev.graft.checkpoint.Encoder;
import dev.graft.checkpoint.InvalidInputException;
import dev.graft.checkpoint.Models;
import dev.graft.checkpoint.StoredTensor;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import tools.jackson.databind.node.ObjectNode;

/** Scales in every form that others write, and scales that mean nothing. */
class ScalesTest {
  private static final String WEIGHT = "model.layers.1.mlp.down_proj.weight"; // [16, 20]

  @TempDir private Path directory;

  /** A tensor of scales to write in place of the one that was there. */
  private record Scales(String name, DType dtype, List<Long> shape, float[] values) {}

  @ParameterizedTest
  @CsvSource({
    "FP8_TENSOR, 0",
    "FP8_TENSOR, NaN",
    "FP8_TENSOR, -1",
    "FP8_TENSOR, Infinity",
    "FP8_CHANNEL, 0",
    "FP8_CHANNEL, NaN",
    "FP8_CHANNEL, -0.5",
    "FP8_BLOCK, 0",
    "FP8_BLOCK, NaN",
    "FP8_BLOCK, -3",
    "Q8, 0",
    "Q8, -0",
    "Q8, NaN",
    "Q8, -2",
    "Q8, Infinity",
  })
  void scalesThatMeanNothingAreRefused(Scheme scheme, float bad) throws IOException {
    Path quantised = quantise(scheme);
    Scales scales = scales(quantised, scheme);
    scales.values()[scales.values().length - 1] = bad;
    String message = refused(rewrite(quantised, "bad", List.of(scales), _ -> {}));
    assertTrue(message.contains(scales.name()), message);
    assertTrue(
        message.contains("scale must be above 0") || message.contains("not finite"), message);
  }

  @ParameterizedTest
  @EnumSource(Scheme.class)
  void scalesOfAnotherShapeAreRefused(Scheme scheme) throws IOException {
    Path quantised = quantise(scheme);
    Scales scales = scales(quantised, scheme);
    float[] more = Arrays.copyOf(scales.values(), 3 * 7);
    Arrays.fill(more, 1);
    Scales wrong = new Scales(scales.name(), scales.dtype(), List.of(3L, 7L), more);
    String message = refused(rewrite(quantised, "wrong", List.of(wrong), _ -> {}));
    assertTrue(message.contains(scales.name() + " has the shape [3, 7]; it must be"), message);
  }

  @ParameterizedTest
  @EnumSource(Scheme.class)
  void missingScalesAreRefused(Scheme scheme) throws IOException {
    Path quantised = quantise(scheme);
    String message = refused(rewrite(quantised, "missing", List.of(), _ -> {}));
    assertTrue(message.contains(WEIGHT + "_scale is missing, without which"), message);
  }

  @Test
  void scalesOfBytesAreFloat16() throws IOException {
    Path quantised = quantise(Scheme.Q8);
    Scales scales = scales(quantised, Scheme.Q8);
    Scales wide = new Scales(scales.name(), DType.F32, scales.shape(), scales.values());
    String message = refused(rewrite(quantised, "wide", List.of(wide), _ -> {}));
    assertTrue(message.contains("is F32; the scales of I8 blocks are F16"), message);
  }

  /** [], [1], [1, 1] and transformers' weight_scale_inv; bfloat16 scales, as llm-compressor has. */
  @Test
  void aTensorsScaleIsReadInEveryForm() throws IOException {
    Path quantised = quantise(Scheme.FP8_TENSOR);
    Scales scales = scales(quantised, Scheme.FP8_TENSOR);
    float[] expected = values(quantised);
    for (List<Long> shape : List.of(List.<Long>of(), List.of(1L))) {
      for (String suffix : List.of("_scale", "_scale_inv")) {
        Scales form = new Scales(WEIGHT + suffix, DType.F32, shape, scales.values());
        Path path = rewrite(quantised, "form" + shape.size() + suffix, List.of(form), _ -> {});
        assertArrayEquals(expected, values(path));
      }
    }
    Scales coarse = new Scales(scales.name(), DType.BF16, List.of(), new float[] {0.5f});
    Path path = rewrite(quantised, "bf16", List.of(coarse), _ -> {});
    float scale = scales.values()[0];
    float[] read = values(path);
    for (int i = 0; i < expected.length; i++) {
      assertEquals(expected[i] / scale * 0.5f, read[i], Math.abs(read[i]) * 1e-6);
    }
  }

  /** The same scale for every row or block says what one for the tensor says. */
  @Test
  void rowsAndBlocksOfOtherWritersAreRead() throws IOException {
    Path quantised = quantise(Scheme.FP8_TENSOR);
    float scale = scales(quantised, Scheme.FP8_TENSOR).values()[0];
    float[] expected = values(quantised);
    float[] rows = new float[16];
    Arrays.fill(rows, scale);
    Scales vector = new Scales(WEIGHT + "_scale", DType.F32, List.of(16L), rows);
    assertArrayEquals(expected, values(rewrite(quantised, "rows", List.of(vector), _ -> {})));
    float[] blocks = new float[2 * 3];
    Arrays.fill(blocks, scale);
    for (String suffix : List.of("_scale", "_scale_inv")) {
      Scales grid = new Scales(WEIGHT + suffix, DType.F32, List.of(2L, 3L), blocks);
      Path deepSeek =
          rewrite(
              quantised,
              "blocks" + suffix,
              List.of(grid),
              config -> config.putArray("weight_block_size").add(8).add(8));
      assertArrayEquals(expected, values(deepSeek));
      Path compressed =
          rewrite(
              quantised,
              "structure" + suffix,
              List.of(grid),
              config ->
                  config
                      .putObject("config_groups")
                      .putObject("group_0")
                      .putObject("weights")
                      .putArray("block_structure")
                      .add(8)
                      .add(8));
      assertArrayEquals(expected, values(compressed));
    }
    Scales grid = new Scales(WEIGHT + "_scale_inv", DType.F32, List.of(2L, 3L), blocks);
    Path zero =
        rewrite(
            quantised,
            "zero",
            List.of(grid),
            config -> config.putArray("weight_block_size").add(0).add(8));
    assertTrue(refused(zero).contains("weight_block_size is [0,8]; it must be two sizes above 0"));
  }

  private Path quantise(Scheme scheme) throws IOException {
    Path source = Models.write(directory.resolve("source"), Models.LLAMA, DType.F32, 3);
    Path out = directory.resolve("quantised");
    Quantizer.run(source, out, new QuantizeOptions(scheme, false, Long.MAX_VALUE), _ -> {});
    return out;
  }

  private static Scales scales(Path model, Scheme scheme) throws IOException {
    try (Checkpoint checkpoint = Checkpoint.open(model)) {
      StoredTensor stored = checkpoint.tensor(scheme.scaleName(WEIGHT));
      return new Scales(stored.name(), stored.dtype(), stored.shape(), stored.toFloats());
    }
  }

  private Path rewrite(
      Path model, String name, List<Scales> scales, Consumer<ObjectNode> quantizationConfig)
      throws IOException {
    Path out = directory.resolve(name);
    try (Checkpoint checkpoint = Checkpoint.open(model)) {
      List<String> kept =
          checkpoint.names().stream().filter(n -> !n.startsWith(WEIGHT + "_scale")).toList();
      List<Declared> declared = new ArrayList<>();
      for (String tensor : kept) {
        StoredTensor stored = checkpoint.tensor(tensor);
        declared.add(new Declared(tensor, stored.dtype(), stored.shape()));
      }
      scales.forEach(s -> declared.add(new Declared(s.name(), s.dtype(), s.shape())));
      try (CheckpointWriter writer = CheckpointWriter.create(out, declared, Long.MAX_VALUE)) {
        for (String tensor : kept) {
          writer.write(tensor, checkpoint.tensor(tensor).data());
        }
        for (Scales s : scales) {
          writer.write(s.name(), Encoder.encode(s.values(), s.dtype()));
        }
        ObjectNode config = checkpoint.config();
        quantizationConfig.accept((ObjectNode) config.get("quantization_config"));
        writer.commit(config);
      }
    }
    return out;
  }

  private static float[] values(Path model) throws IOException {
    try (Checkpoint checkpoint = Checkpoint.open(model)) {
      float[] values = new float[Math.toIntExact(checkpoint.tensor(WEIGHT).elements())];
      checkpoint.copyWeight(WEIGHT, MemorySegment.ofArray(values));
      return values;
    }
  }

  private static String refused(Path model) {
    return assertThrows(InvalidInputException.class, () -> Checkpoint.open(model)).getMessage();
  }
}
