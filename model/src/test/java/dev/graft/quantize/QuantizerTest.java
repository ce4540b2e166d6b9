package dev.graft.quantize;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.graft.checkpoint.Checkpoint;
import dev.graft.checkpoint.DType;
import dev.graft.checkpoint.Encoder;
import dev.graft.checkpoint.InvalidInputException;
import dev.graft.checkpoint.ModelSpec;
import dev.graft.checkpoint.Models;
import dev.graft.checkpoint.StoredTensor;
import dev.graft.checkpoint.Weight;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;

class QuantizerTest {
  private static final String SKYWORK =
      """
      {"architectures": ["SkyworkForCausalLM"], "model_type": "skywork_moe", "vocab_size": 40, "hidden_size": 72,
       "intermediate_size": 150, "num_hidden_layers": 2, "num_attention_heads": 6, "num_key_value_heads": 3,
       "head_dim": 12, "num_experts": [3], "num_experts_per_tok": 2, "moe_use_logits_norm": true,
       "moe_feature_no_mul_topk": true, "attention_bias": true, "rms_norm_eps": 1e-5, "tie_word_embeddings": true}
      """;

  private static final String MIXTRAL =
      """
      {"architectures": ["MixtralForCausalLM"], "model_type": "mixtral", "vocab_size": 33, "hidden_size": 132,
       "intermediate_size": 131, "num_hidden_layers": 1, "num_attention_heads": 2, "num_key_value_heads": 1,
       "head_dim": 66, "num_local_experts": 2, "num_experts_per_tok": 1, "rms_norm_eps": 1e-5,
       "tie_word_embeddings": false}
      """;

  private static final String QWEN2 =
      """
      {"architectures": ["Qwen2ForCausalLM"], "model_type": "qwen2", "vocab_size": 30, "hidden_size": 31,
       "intermediate_size": 7, "num_hidden_layers": 2, "num_attention_heads": 1, "num_key_value_heads": 1,
       "head_dim": 258, "rms_norm_eps": 1e-6, "tie_word_embeddings": true}
      """;

  @TempDir private Path directory;

  static Stream<Arguments> everyForm() {
    List<Arguments> all = new ArrayList<>();
    long seed = 1;
    for (Scheme scheme : Scheme.values()) {
      for (String config : List.of(Models.LLAMA, QWEN2, MIXTRAL, SKYWORK)) {
        for (DType dtype : List.of(DType.F32, DType.BF16, DType.F16, DType.F64)) {
          all.add(Arguments.of(scheme, config, dtype, seed % 2 == 0, seed++));
        }
      }
    }
    return all.stream();
  }

  /** What is read back is within half a unit of what was there, and everything else is the same. */
  @ParameterizedTest
  @MethodSource("everyForm")
  void roundTrip(Scheme scheme, String config, DType dtype, boolean lmHead, long seed)
      throws IOException {
    Path source = Models.write(directory.resolve("source"), config, dtype, seed, 30_000);
    Path out = directory.resolve("out");
    QuantizeOptions options = new QuantizeOptions(scheme, lmHead, 3000);
    AtomicLong written = new AtomicLong();
    Quantized result = Quantizer.run(source, out, options, written::addAndGet);
    assertEquals(result.bytesAfter(), written.get());
    assertEquals(Quantizer.outputBytes(source, options), written.get());
    assertTrue(Files.exists(out.resolve("model.safetensors.index.json")));
    List<String> quantised = result.errors().stream().map(TensorError::name).toList();
    try (Checkpoint before = Checkpoint.open(source);
        Checkpoint after = Checkpoint.open(out)) {
      assertEquals(before.spec().tieWordEmbeddings() && !lmHead, after.spec().tieWordEmbeddings());
      assertEquals(lmHead, quantised.contains("lm_head.weight"));
      for (String name : after.names()) {
        if (quantised.contains(name)) {
          boolean tiedHead = name.equals("lm_head.weight") && before.find(name).isEmpty();
          String from = tiedHead ? "model.embed_tokens.weight" : name;
          requireNear(before.tensor(from), after, name, scheme);
        } else if (!name.contains("_scale")) {
          StoredTensor copied = after.tensor(name);
          assertEquals(before.tensor(name).dtype(), copied.dtype(), name);
          assertEquals(-1, before.tensor(name).data().mismatch(copied.data()), name);
        }
      }
      for (TensorError error : result.errors()) {
        requireMeasured(error, before, after);
      }
      ModelSpec spec = before.spec();
      int perLayer = 4 + 3 * spec.moe().map(moe -> moe.numExperts()).orElse(1);
      assertEquals(spec.numHiddenLayers() * perLayer + (lmHead ? 1 : 0), quantised.size());
    }
  }

  private static void requireNear(StoredTensor from, Checkpoint after, String name, Scheme scheme) {
    float[] expected = from.toFloats();
    float[] actual = values(after, name);
    Weight weight = after.weight(name);
    assertEquals(expected.length, actual.length);
    for (int row = 0; row < weight.rows(); row++) {
      for (int column = 0; column < weight.columns(); column++) {
        int at = row * weight.columns() + column;
        double bound =
            switch (weight) {
              case Weight.Float8 w -> {
                assertEquals(
                    scheme == Scheme.FP8_TENSOR ? w.rows() : scheme == Scheme.FP8_BLOCK ? 128 : 1,
                    w.rowBlock());
                int perRow = Math.ceilDiv(w.columns(), w.columnBlock());
                float scale = w.scales()[row / w.rowBlock() * perRow + column / w.columnBlock()];
                // 3 mantissa bits: 1/16 of the value, or half of the least subnormal.
                yield Math.max(Math.abs(expected[at]) / 16, scale * 0x1p-10) * 1.0001;
              }
              case Weight.Int8 w ->
                  largestOfBlock(expected, row, column, w.columns()) / 127 * 0.5 * 1.01;
              case Weight.Plain _ -> throw new AssertionError(name + " was not quantised");
            };
        assertEquals(expected[at], actual[at], bound, name + " " + row + " " + column);
      }
    }
  }

  private static double largestOfBlock(float[] values, int row, int column, int columns) {
    int first = column / 32 * 32;
    double largest = 0;
    for (int c = first; c < Math.min(columns, first + 32); c++) {
      largest = Math.max(largest, Math.abs(values[row * columns + c]));
    }
    return largest;
  }

  private static void requireMeasured(TensorError error, Checkpoint before, Checkpoint after) {
    boolean tiedHead = before.find(error.name()).isEmpty();
    float[] was = before.tensor(tiedHead ? "model.embed_tokens.weight" : error.name()).toFloats();
    float[] is = values(after, error.name());
    double largest = 0;
    double max = 0;
    double squaredError = 0;
    double squared = 0;
    for (int i = 0; i < was.length; i++) {
      largest = Math.max(largest, Math.abs(was[i]));
      max = Math.max(max, Math.abs((double) was[i] - is[i]));
      squaredError += Math.pow((double) was[i] - is[i], 2);
      squared += Math.pow(was[i], 2);
    }
    assertEquals(largest, error.largestWeight());
    assertEquals(max, error.maxError());
    assertEquals(Math.sqrt(squaredError / squared), error.relativeRms(), 1e-9);
    assertTrue(error.relativeRms() > 1e-3 && error.relativeRms() < 0.04, error.toString());
  }

  /** Zeros, subnormals, what float16 cannot hold as a scale, the edge of float32. */
  @ParameterizedTest
  @EnumSource(Scheme.class)
  void extremesKeepTheirSize(Scheme scheme) throws IOException {
    float[] magnitudes = {
      0,
      Float.MIN_VALUE,
      1e-41f,
      3e-38f,
      1e-30f,
      3e-8f,
      1e-6f,
      4e-6f,
      8e-6f,
      1e-4f,
      1,
      60_000,
      5e6f,
      8e6f,
      1e9f,
      3e38f
    };
    Path source = Models.write(directory.resolve("source"), Models.LLAMA, DType.F32, 1);
    String name = "model.layers.0.self_attn.q_proj.weight"; // [24, 16]
    for (float magnitude : magnitudes) {
      float[] values = new float[24 * 16];
      for (int i = 0; i < values.length; i++) {
        values[i] = (i % 2 == 0 ? magnitude : -magnitude) * (1 - i % 16 / 32f);
      }
      overwrite(source, name, 0, values);
      Path out = directory.resolve("out" + Float.floatToIntBits(magnitude));
      Quantized result =
          Quantizer.run(source, out, new QuantizeOptions(scheme, false, Long.MAX_VALUE), _ -> {});
      boolean cut = scheme == Scheme.Q8 && magnitude > 65504f * 127;
      assertEquals(cut ? 1 : 0, result.warnings().stream().filter(w -> w.contains(name)).count());
      try (Checkpoint checkpoint = Checkpoint.open(out)) {
        float[] actual = values(checkpoint, name);
        double step =
            scheme == Scheme.Q8
                ? (magnitude / 127.0 + 0x1p-24) / 2
                : Math.max(magnitude / 16.0, Float.MIN_NORMAL * 0x1p-10);
        for (int i = 0; i < values.length; i++) {
          double limit = cut ? 65504.0 * 127 : Double.MAX_VALUE;
          double expected = Math.clamp(values[i], -limit, limit);
          assertEquals(expected, actual[i], step * 1.01, scheme + " " + magnitude);
        }
      }
    }
  }

  @Test
  void tensorsConfigIsThatOfVllm() throws IOException {
    JsonNode config = quantizationConfig(SKYWORK, Scheme.FP8_TENSOR, false);
    assertEquals("fp8", config.get("quant_method").asString());
    assertEquals("dynamic", config.get("activation_scheme").asString());
    assertTrue(config.get("weight_block_size").isNull());
    assertEquals(
        "[\"model.layers.0.block_sparse_moe.gate\",\"model.layers.1.block_sparse_moe.gate\",\"lm_head\"]",
        config.get("modules_to_not_convert").toString());
    try (Checkpoint checkpoint = Checkpoint.open(directory.resolve("out"))) {
      StoredTensor scale =
          checkpoint.tensor("model.layers.1.block_sparse_moe.experts.2.w2.weight_scale");
      assertEquals(List.of(), scale.shape());
      assertEquals(DType.F32, scale.dtype());
    }
  }

  @Test
  void blocksConfigIsThatOfDeepSeek() throws IOException {
    JsonNode config = quantizationConfig(MIXTRAL, Scheme.FP8_BLOCK, true);
    assertEquals("fp8", config.get("quant_method").asString());
    assertEquals("[128,128]", config.get("weight_block_size").toString());
    assertEquals(
        "[\"model.layers.0.block_sparse_moe.gate\"]",
        config.get("modules_to_not_convert").toString());
    try (Checkpoint checkpoint = Checkpoint.open(directory.resolve("out"))) {
      StoredTensor scale =
          checkpoint.tensor("model.layers.0.block_sparse_moe.experts.1.w1.weight_scale_inv");
      assertEquals(List.of(2L, 2L), scale.shape());
    }
  }

  @Test
  void channelsConfigIsThatOfCompressedTensors() throws IOException {
    JsonNode config = quantizationConfig(Models.LLAMA, Scheme.FP8_CHANNEL, false);
    assertEquals("compressed-tensors", config.get("quant_method").asString());
    assertEquals("float-quantized", config.get("format").asString());
    assertEquals("[\"lm_head\"]", config.get("ignore").toString());
    JsonNode weights = config.get("config_groups").get("group_0").get("weights");
    assertEquals("channel", weights.get("strategy").asString());
    try (Checkpoint checkpoint = Checkpoint.open(directory.resolve("out"))) {
      assertEquals(
          List.of(24L, 1L),
          checkpoint.tensor("model.layers.0.self_attn.q_proj.weight_scale").shape());
    }
  }

  @Test
  void oddBlocksAreWarnedOf() throws IOException {
    Path source = Models.write(directory.resolve("source"), Models.LLAMA, DType.F32, 1);
    Quantized result =
        Quantizer.run(
            source,
            directory.resolve("out"),
            new QuantizeOptions(Scheme.FP8_BLOCK, false, Long.MAX_VALUE),
            _ -> {});
    assertEquals(1, result.warnings().size());
    assertTrue(result.warnings().getFirst().contains("transformers refuses"));
    assertTrue(result.warnings().getFirst().contains("20 × 16"));
  }

  @Test
  void companionsAndModelingFilesTravel() throws IOException {
    Path source = Models.write(directory.resolve("source"), Models.LLAMA, DType.F32, 1);
    Files.writeString(source.resolve("tokenizer.json"), "{}");
    Files.writeString(source.resolve("modeling_x.py"), "x = 1\n");
    Files.writeString(
        source.resolve("config.json"),
        Files.readString(source.resolve("config.json"))
            .replaceFirst("\\{", "{\"auto_map\": {\"AutoConfig\": \"modeling_x.X\"},"));
    Path out = directory.resolve("out");
    Quantizer.run(source, out, new QuantizeOptions(Scheme.Q8, false, Long.MAX_VALUE), _ -> {});
    assertEquals("{}", Files.readString(out.resolve("tokenizer.json")));
    assertEquals("x = 1\n", Files.readString(out.resolve("modeling_x.py")));
  }

  @Test
  void whatCannotBeQuantisedIsRefused() throws IOException {
    Path source = Models.write(directory.resolve("source"), Models.LLAMA, DType.F32, 1);
    Path out = directory.resolve("out");
    for (Scheme scheme : Scheme.values()) {
      Path once = directory.resolve(scheme.name());
      QuantizeOptions options = new QuantizeOptions(scheme, false, Long.MAX_VALUE);
      Quantizer.run(source, once, options, _ -> {});
      refuse("the weights are quantised already", () -> Quantizer.run(once, out, options, _ -> {}));
      refuse("not empty", () -> Quantizer.run(source, once, options, _ -> {}));
    }
    refuse("--granularity is 'row'", () -> Scheme.of("fp8", Optional.of("row")));
    refuse("--granularity is for --scheme fp8", () -> Scheme.of("q8", Optional.of("block")));
    refuse("--scheme is 'fp4'", () -> Scheme.of("fp4", Optional.empty()));
    String name = "model.layers.1.mlp.up_proj.weight";
    overwrite(source, name, 7, new float[] {Float.NaN});
    refuse(
        name + " holds a value that is not finite at element 7",
        () ->
            Quantizer.run(
                source, out, new QuantizeOptions(Scheme.Q8, false, Long.MAX_VALUE), _ -> {}));
    assertFalse(Files.exists(out));
    try (var left = Files.list(directory)) {
      assertEquals(
          List.of(), left.filter(f -> f.getFileName().toString().contains("part")).toList());
    }
  }

  private JsonNode quantizationConfig(String config, Scheme scheme, boolean lmHead)
      throws IOException {
    Path source = Models.write(directory.resolve("source"), config, DType.BF16, 5);
    Path out = directory.resolve("out");
    Quantizer.run(source, out, new QuantizeOptions(scheme, lmHead, Long.MAX_VALUE), _ -> {});
    return Checkpoint.readConfig(out).get("quantization_config");
  }

  private static float[] values(Checkpoint checkpoint, String name) {
    float[] values = new float[Math.toIntExact(checkpoint.tensor(name).elements())];
    checkpoint.copyWeight(name, MemorySegment.ofArray(values));
    return values;
  }

  private static void overwrite(Path model, String name, int at, float[] values)
      throws IOException {
    long position;
    try (Checkpoint checkpoint = Checkpoint.open(model)) {
      position = checkpoint.tensor(name).position();
    }
    try (FileChannel channel =
        FileChannel.open(model.resolve("model.safetensors"), StandardOpenOption.WRITE)) {
      channel.write(Encoder.encode(values, DType.F32).asByteBuffer(), position + 4L * at);
    }
  }

  private static void refuse(String expected, org.junit.jupiter.api.function.Executable what) {
    InvalidInputException refused = assertThrows(InvalidInputException.class, what);
    assertTrue(refused.getMessage().contains(expected), refused.getMessage());
  }
}
