package dev.graft.checkpoint;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CheckpointTest {
  @TempDir private Path directory;

  @Test
  void shardedAndSingleHoldTheSame() throws IOException {
    Path single = Models.write(directory.resolve("single"), Models.LLAMA, DType.BF16, 1);
    Path sharded = Models.write(directory.resolve("sharded"), Models.LLAMA, DType.BF16, 1, 2000);
    assertTrue(Files.exists(sharded.resolve("model.safetensors.index.json")));
    try (Checkpoint a = Checkpoint.open(single);
        Checkpoint b = Checkpoint.open(sharded)) {
      assertEquals(a.spec(), b.spec());
      assertEquals(a.names(), b.names());
      for (String name : a.names()) {
        assertEquals(-1, a.tensor(name).data().mismatch(b.tensor(name).data()), name);
      }
    }
  }

  @Test
  void everyDtypeDecodes() throws IOException {
    for (DType dtype : List.of(DType.F64, DType.F32, DType.F16, DType.BF16)) {
      Path model = Models.write(directory.resolve(dtype.name()), Models.LLAMA, dtype, 3);
      try (Checkpoint checkpoint = Checkpoint.open(model);
          Checkpoint exact =
              Checkpoint.open(
                  Models.write(directory.resolve("exact" + dtype), Models.LLAMA, DType.F32, 3))) {
        float[] decoded = checkpoint.tensor("model.norm.weight").toFloats();
        float[] expected = exact.tensor("model.norm.weight").toFloats();
        double tolerance = dtype == DType.BF16 ? 1.0 / 256 : dtype == DType.F16 ? 1.0 / 2048 : 0;
        for (int i = 0; i < decoded.length; i++) {
          assertEquals(
              expected[i],
              decoded[i],
              Math.abs(expected[i]) * tolerance + (dtype == DType.F16 ? 1e-7 : 0));
        }
      }
    }
  }

  @Test
  void whatIsMissingOrMisshapenIsNamed() throws IOException {
    refuse("there is no config.json", directory);
    Path model = Models.write(directory.resolve("model"), Models.LLAMA, DType.F32, 1);
    Path config = model.resolve("config.json");
    String good = Files.readString(config);
    Files.writeString(
        config, good.replaceAll("\"num_hidden_layers\" ?: ?2", "\"num_hidden_layers\": 3"));
    refuse("tensor model.layers.2.input_layernorm.weight is missing", model);
    Files.writeString(
        config, good.replaceAll("\"intermediate_size\" ?: ?20", "\"intermediate_size\": 21"));
    refuse("has the shape [20, 16] but config.json calls for [21, 16]", model);
    Files.writeString(config, good);
    Files.delete(model.resolve("model.safetensors"));
    Files.writeString(model.resolve("pytorch_model.bin"), "a pickle");
    refuse("only safetensors are read", model);
    Files.writeString(config, "{");
    refuse("this is not JSON", model);
  }

  @Test
  void anIndexThatNamesAbsentShardsIsRefused() throws IOException {
    Path model = Models.write(directory.resolve("model"), Models.LLAMA, DType.F32, 1, 2000);
    Path index = model.resolve("model.safetensors.index.json");
    String good = Files.readString(index);
    Path shard;
    try (var files = Files.list(model)) {
      shard =
          files
              .filter(f -> f.getFileName().toString().startsWith("model-00002"))
              .findFirst()
              .orElseThrow();
    }
    Files.move(shard, model.resolve("hidden"));
    refuse("names the shard '" + shard.getFileName() + "', which is not in", model);
    Files.move(model.resolve("hidden"), shard);
    Files.writeString(index, good.replace("model.norm.weight", "model.other.weight"));
    refuse("places model.other.weight in", model);
    Files.writeString(index, good.replaceAll("model-00002-of", "../model-00002-of"));
    refuse("names the shard '../model-00002", model);
    Files.writeString(index, "{}");
    refuse("weight_map is missing", model);
  }

  @Test
  void notANumberIsFoundAtOddPlaces() throws IOException {
    for (DType dtype : List.of(DType.F32, DType.BF16, DType.F16, DType.F64)) {
      for (float bad : new float[] {Float.NaN, Float.POSITIVE_INFINITY, Float.NEGATIVE_INFINITY}) {
        for (int at : new int[] {0, 1, 5, 6, 14, 15}) {
          float[] values = new float[16];
          java.util.Arrays.fill(values, -65000f);
          values[at] = bad;
          MemorySegment data = Encoder.encode(values, dtype);
          assertEquals(at, Decoder.firstNotFinite(dtype, data, 16), dtype + " " + bad);
        }
      }
      float[] finite = {65000f, -65000f, 1e-8f, 0, 1, 2, 3};
      assertEquals(
          -1, Decoder.firstNotFinite(dtype, Encoder.encode(finite, dtype), 7), dtype.name());
    }
    Path model = Models.write(directory.resolve("model"), Models.LLAMA, DType.F32, 1);
    long position;
    try (Checkpoint checkpoint = Checkpoint.open(model)) {
      position = checkpoint.tensor("model.norm.weight").position();
    }
    try (FileChannel channel =
        FileChannel.open(model.resolve("model.safetensors"), StandardOpenOption.WRITE)) {
      channel.write(
          Encoder.encode(new float[] {Float.NaN}, DType.F32).asByteBuffer(), position + 8);
    }
    try (Checkpoint checkpoint = Checkpoint.open(model)) {
      InvalidInputException refused =
          assertThrows(
              InvalidInputException.class,
              () -> checkpoint.tensor("model.norm.weight").requireFinite());
      assertTrue(
          refused
              .getMessage()
              .contains("model.norm.weight holds a value that is not finite at element 2"),
          refused.getMessage());
    }
  }

  @Test
  void fp8NeedsItsScale() throws IOException {
    Path golden = Models.shared("golden/tiny-skywork-moe-fp8");
    Path copy = directory.resolve("fp8");
    Files.createDirectory(copy);
    Files.copy(golden.resolve("config.json"), copy.resolve("config.json"));
    byte[] bytes = Files.readAllBytes(golden.resolve("model.safetensors"));
    String text = new String(bytes, java.nio.charset.StandardCharsets.ISO_8859_1);
    String broken = text.replaceFirst("w1.weight_scale", "w1.weight_scalf");
    assertFalse(broken.equals(text));
    Files.write(
        copy.resolve("model.safetensors"),
        broken.getBytes(java.nio.charset.StandardCharsets.ISO_8859_1));
    refuse("weight_scale is missing, without which the FP8 tensor", copy);
  }

  @Test
  void aFailedWriteLeavesNothing() throws IOException {
    Path out = directory.resolve("out");
    List<CheckpointWriter.Declared> declared =
        List.of(new CheckpointWriter.Declared("a", DType.F32, List.of(4L)));
    try (CheckpointWriter writer = CheckpointWriter.create(out, declared, 1000)) {
      writer.write("a", MemorySegment.ofArray(new byte[16]));
    }
    try (var left = Files.list(directory)) {
      assertEquals(List.of(), left.toList());
    }
    Files.createDirectory(out);
    Files.writeString(out.resolve("mine"), "x");
    assertThrows(InvalidInputException.class, () -> CheckpointWriter.create(out, declared, 1000));
    assertEquals("x", Files.readString(out.resolve("mine")));
  }

  @Test
  void sizes() {
    assertEquals(5_000_000_000L, CheckpointWriter.parseSize("5GB"));
    assertEquals(1L << 30, CheckpointWriter.parseSize("1GiB"));
    assertEquals(1_500_000, CheckpointWriter.parseSize("1.5mb"));
    assertEquals(77, CheckpointWriter.parseSize("77"));
    for (String bad : List.of("", "GB", "-1MB", "5 parsecs", "0")) {
      assertThrows(InvalidInputException.class, () -> CheckpointWriter.parseSize(bad), bad);
    }
  }

  private static void refuse(String expected, Path model) {
    InvalidInputException refused =
        assertThrows(InvalidInputException.class, () -> Checkpoint.open(model));
    assertTrue(refused.getMessage().contains(expected), refused.getMessage());
  }
}
