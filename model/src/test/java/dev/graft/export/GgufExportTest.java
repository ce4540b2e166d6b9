package dev.graft.export;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.graft.checkpoint.Checkpoint;
import dev.graft.checkpoint.CheckpointWriter;
import dev.graft.checkpoint.DType;
import dev.graft.checkpoint.Encoder;
import dev.graft.checkpoint.InvalidInputException;
import dev.graft.checkpoint.Models;
import dev.graft.checkpoint.StoredTensor;
import dev.graft.checkpoint.TensorNames;
import dev.graft.checkpoint.Weight;
import dev.graft.gguf.GgmlType;
import dev.graft.gguf.GgufFile;
import dev.graft.gguf.GgufTensor;
import dev.graft.gguf.GgufValue;
import dev.graft.gguf.GgufWriter;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.node.ObjectNode;

class GgufExportTest {
  private static final String BASE =
      """
      "vocab_size": 40, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2,
      "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 24, "rms_norm_eps": 1e-6,
      "rope_theta": 5000.0, "max_position_embeddings": 64
      """;

  private static final Map<String, String> FAMILIES =
      Map.of(
          "llama",
          "{\"architectures\": [\"LlamaForCausalLM\"], \"tie_word_embeddings\": true," + BASE + "}",
          "biased",
          "{\"architectures\": [\"LlamaForCausalLM\"], \"attention_bias\": true, \"mlp_bias\": true,"
              + BASE
              + "}",
          "linear",
          "{\"architectures\": [\"MistralForCausalLM\"], \"rope_scaling\": {\"rope_type\": \"linear\", \"factor\": 4.0},"
              + BASE
              + "}",
          "mixtral",
          "{\"architectures\": [\"MixtralForCausalLM\"], \"num_local_experts\": 3, \"num_experts_per_tok\": 2,"
              + BASE
              + "}",
          "qwen2",
          "{\"architectures\": [\"Qwen2ForCausalLM\"]," + BASE.replace("24", "16") + "}",
          "qwen3",
          "{\"architectures\": [\"Qwen3ForCausalLM\"]," + BASE + "}");

  @TempDir Path folder;

  private Path export(Path model, GgufType type) throws IOException {
    Path out = folder.resolve(model.getFileName() + "-" + type + ".gguf");
    long[] written = {0};
    GgufExport.run(model, out, type, bytes -> written[0] += bytes);
    assertEquals(GgufExport.outputBytes(model, type), written[0]);
    return out;
  }

  private static float[] floats(Checkpoint checkpoint, String name) {
    float[] values = new float[Math.toIntExact(checkpoint.tensor(name).elements())];
    checkpoint.copyWeight(name, MemorySegment.ofArray(values));
    return values;
  }

  @Test
  void everyFamilyComesBack() throws IOException {
    for (Map.Entry<String, String> family : FAMILIES.entrySet()) {
      Path model = Models.write(folder.resolve(family.getKey()), family.getValue(), DType.F16, 11);
      try (Checkpoint from = Checkpoint.open(model);
          Checkpoint to = Checkpoint.open(export(model, GgufType.F16))) {
        assertEquals(
            from.spec(),
            family.getKey().equals("linear")
                ? Models.withFamily(to.spec(), from.spec().family())
                : to.spec());
        assertEquals(TensorNames.of(from.spec()).keySet(), to.names());
        for (String name : to.names()) {
          assertArrayEquals(floats(from, name), floats(to, name), name);
          assertEquals(from.tensor(name).shape(), to.tensor(name).shape());
        }
      }
    }
  }

  @Test
  void llama3FrequenciesComeBack() throws IOException {
    for (String scaling :
        List.of(
            "\"factor\": 8.0, \"low_freq_factor\": 1.0, \"high_freq_factor\": 4.0, \"original_max_position_embeddings\": 8192",
            "\"factor\": 3.0, \"low_freq_factor\": 1.0, \"high_freq_factor\": 9.0, \"original_max_position_embeddings\": 640",
            "\"factor\": 3.0, \"low_freq_factor\": 2.0, \"high_freq_factor\": 12.0, \"original_max_position_embeddings\": 640")) {
      String config =
          "{\"architectures\": [\"LlamaForCausalLM\"], \"rope_scaling\": {\"rope_type\": \"llama3\", "
              + scaling
              + "},"
              + BASE.replace("5000.0", "500000.0").replace("\"head_dim\": 24", "\"head_dim\": 64")
              + "}";
      CheckpointWriter.deleteTree(folder.resolve("llama3"));
      Path model = Models.write(folder.resolve("llama3"), config, DType.F32, 5);
      try (Checkpoint from = Checkpoint.open(model);
          Checkpoint to = Checkpoint.open(export(model, GgufType.F16))) {
        double[] expected = from.spec().rope().inverseFrequencies(64);
        double[] read = to.spec().rope().inverseFrequencies(64);
        for (int i = 0; i < expected.length; i++) {
          assertEquals(expected[i], read[i], 2e-5 * expected[i], scaling);
        }
      }
    }
  }

  /** Rows of 96 are three blocks; each number is off by at most half a step, and stays so. */
  @Test
  void eightBitsAreReadInPlaceAndWrittenAgainAsTheyAre() throws IOException {
    Path model = Models.write(folder.resolve("m"), FAMILIES.get("mixtral"), DType.F32, 3);
    Path out = export(model, GgufType.Q8_0);
    try (Checkpoint from = Checkpoint.open(model);
        Checkpoint to = Checkpoint.open(out)) {
      String expert = TensorNames.expert(1, 2, "w2");
      assertInstanceOf(Weight.Int8.class, to.weight(expert));
      assertEquals(DType.F32, to.tensor(TensorNames.gate(1)).dtype());
      assertArrayEquals(floats(from, TensorNames.gate(0)), floats(to, TensorNames.gate(0)));
      for (String name : to.names()) {
        float[] expected = floats(from, name);
        float[] read = floats(to, name);
        for (int block = 0; block + 32 <= expected.length; block += 32) {
          float largest = 0;
          for (int i = block; i < block + 32; i++) {
            largest = Math.max(largest, Math.abs(expected[i]));
          }
          for (int i = block; i < block + 32; i++) {
            // Half a code, and what the scale loses as a float16.
            assertEquals(expected[i], read[i], largest * (0.5 / 127 + 1.0 / 2048), name);
          }
        }
      }
    }
    Path again = folder.resolve("again.gguf");
    GgufExport.run(out, again, GgufType.Q8_0, bytes -> {});
    assertSameTensors(out, again);
  }

  @Test
  void ourOwnEightBitsAreCarriedOverCodeByCode() throws IOException {
    Path plain = Models.write(folder.resolve("plain"), FAMILIES.get("llama"), DType.F32, 9);
    Path gguf = export(plain, GgufType.Q8_0);
    Path own = folder.resolve("own");
    ObjectNode config = Models.json(FAMILIES.get("llama"));
    config.putObject("quantization_config").put("quant_method", "graft-q8");
    try (Checkpoint from = Checkpoint.open(gguf)) {
      List<CheckpointWriter.Declared> declared = new ArrayList<>();
      for (String name : from.names()) {
        List<Long> shape = from.tensor(name).shape();
        boolean codes = from.tensor(name).dtype() == DType.Q8_0;
        declared.add(new CheckpointWriter.Declared(name, codes ? DType.I8 : DType.F32, shape));
        if (codes) {
          declared.add(
              new CheckpointWriter.Declared(
                  name + "_scale", DType.F16, List.of(shape.get(0), shape.get(1) / 32)));
        }
      }
      try (CheckpointWriter writer = CheckpointWriter.create(own, declared, 1L << 40)) {
        for (String name : from.names()) {
          if (from.weight(name) instanceof Weight.Int8 weight) {
            writer.write(name, codes(weight));
            writer.write(name + "_scale", scales(weight));
          } else {
            writer.write(name, Encoder.encode(floats(from, name), DType.F32));
          }
        }
        writer.commit(config);
      }
    }
    assertSameTensors(gguf, export(own, GgufType.Q8_0));
    try (Checkpoint from = Checkpoint.open(own);
        Checkpoint to = Checkpoint.open(export(own, GgufType.F16))) {
      String name = "model.layers.0.mlp.down_proj.weight";
      float[] expected = floats(from, name);
      float[] read = floats(to, name);
      for (int i = 0; i < expected.length; i++) {
        assertEquals(Float.float16ToFloat(Float.floatToFloat16(expected[i])), read[i]);
      }
    }
  }

  private static MemorySegment codes(Weight.Int8 weight) {
    MemorySegment codes = MemorySegment.ofArray(new byte[weight.rows() * weight.columns()]);
    for (int r = 0; r < weight.rows(); r++) {
      for (int b = 0; b < weight.columns() / 32; b++) {
        MemorySegment.copy(
            weight.codes(),
            weight.codeStart() + r * weight.codeRow() + b * weight.codeBlock(),
            codes,
            (long) r * weight.columns() + b * 32L,
            32);
      }
    }
    return codes;
  }

  private static MemorySegment scales(Weight.Int8 weight) {
    int blocks = weight.columns() / 32;
    MemorySegment scales = MemorySegment.ofArray(new byte[weight.rows() * blocks * 2]);
    for (int r = 0; r < weight.rows(); r++) {
      for (int b = 0; b < blocks; b++) {
        MemorySegment.copy(
            weight.scales(),
            weight.scaleStart() + r * weight.scaleRow() + b * weight.scaleBlock(),
            scales,
            ((long) r * blocks + b) * 2,
            2);
      }
    }
    return scales;
  }

  private static void assertSameTensors(Path expected, Path actual) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      GgufFile a = GgufFile.open(expected, arena);
      GgufFile b = GgufFile.open(actual, arena);
      assertEquals(a.tensors(), b.tensors());
      for (GgufTensor tensor : a.tensors().values()) {
        assertEquals(-1, a.data(tensor).mismatch(b.data(tensor)), tensor.name());
      }
    }
  }

  /** What the shared script makes of the same file by gguf-py: bfloat16 of the numbers. */
  @Test
  void smollm2IsReadAsGgufPyReadsIt() throws IOException {
    Path model = Models.smollm2();
    try (Checkpoint from = Checkpoint.open(model);
        Checkpoint to = Checkpoint.open(model.resolve("model.Q4_1.gguf"))) {
      assertEquals(from.spec(), to.spec());
      for (String name : to.names()) {
        if (name.contains("embed") || name.contains("layers.0.") || name.contains("layers.29.")) {
          MemorySegment rounded = Encoder.encode(floats(to, name), DType.BF16);
          assertEquals(-1, from.tensor(name).data().mismatch(rounded), name);
        }
      }
      assertInstanceOf(Weight.Int8.class, to.weight("model.embed_tokens.weight"));
      String down = "model.layers.3.mlp.down_proj.weight";
      Weight.Plain expanded = assertInstanceOf(Weight.Plain.class, to.weight(down));
      assertEquals(-1, expanded.data().mismatch(MemorySegment.ofArray(floats(to, down))));
    }
  }

  /** Four bits are exactly signed bytes: code − 8 times the scale. */
  @Test
  void fourBitsBecomeSignedBytes() throws IOException {
    Path model = Models.write(folder.resolve("m"), FAMILIES.get("llama"), DType.F32, 3);
    String down = "model.layers.1.mlp.down_proj.weight";
    byte[] blocks = new byte[64 * 3 * 18];
    for (int i = 0; i < blocks.length; i++) {
      blocks[i] = i % 18 == 1 ? 0x34 : (byte) (i * 37); // scales between 0.25 and 0.5
    }
    Path four =
        rewritten(
            export(model, GgufType.F16),
            t ->
                t.name().equals("blk.1.ffn_down.weight")
                    ? new GgufWriter.Declared(t.name(), GgmlType.Q4_0, t.shape())
                    : t,
            Map.of("blk.1.ffn_down.weight", MemorySegment.ofArray(blocks)));
    try (Checkpoint checkpoint = Checkpoint.open(four)) {
      Weight.Int8 weight = assertInstanceOf(Weight.Int8.class, checkpoint.weight(down));
      float[] read = floats(checkpoint, down);
      byte[] codes = codes(weight).toArray(java.lang.foreign.ValueLayout.JAVA_BYTE);
      MemorySegment scales = scales(weight);
      for (int i = 0; i < read.length; i++) {
        int block = i / 32;
        int packed = blocks[block * 18 + 2 + i % 16];
        int code = (i % 32 < 16 ? packed & 15 : packed >> 4 & 15) - 8;
        assertEquals(code, codes[i]);
        short half = (short) ((blocks[block * 18] & 0xFF) | (blocks[block * 18 + 1] << 8));
        assertEquals(code * Float.float16ToFloat(half), read[i]);
        assertEquals(
            half, scales.get(java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED, block * 2L));
      }
    }
  }

  private Path rewritten(
      Path file, UnaryOperator<GgufWriter.Declared> change, Map<String, MemorySegment> contents)
      throws IOException {
    return rewritten(file, change, contents, values -> values);
  }

  private Path rewritten(
      Path file,
      UnaryOperator<GgufWriter.Declared> change,
      Map<String, MemorySegment> contents,
      UnaryOperator<Map<String, GgufValue>> metadata)
      throws IOException {
    Path out = folder.resolve("rewritten.gguf");
    try (Arena arena = Arena.ofConfined()) {
      GgufFile from = GgufFile.open(file, arena);
      List<GgufWriter.Declared> declared =
          from.tensors().values().stream()
              .map(t -> change.apply(new GgufWriter.Declared(t.name(), t.type(), t.shape())))
              .toList();
      try (GgufWriter writer =
          GgufWriter.create(
              out, metadata.apply(new LinkedHashMap<>(from.metadata().values())), declared)) {
        for (GgufWriter.Declared tensor : declared) {
          MemorySegment content = contents.get(tensor.name());
          GgufTensor stored = from.tensors().get(tensor.name());
          if (content != null || stored != null) {
            writer.write(tensor.name(), 0, content == null ? from.data(stored) : content);
          }
        }
        writer.commit();
      }
    }
    return out;
  }

  @Test
  void whatLlamaCppCannotExpressIsRefusedByName() throws IOException {
    assertRefused(
        "{\"architectures\": [\"SkyworkForCausalLM\"], \"num_experts\": [2], \"moe_use_logits_norm\": true,"
            + " \"moe_feature_no_mul_topk\": true,"
            + BASE
            + "}",
        "normalises its logits (moe_use_logits_norm)");
    assertRefused(
        "{\"architectures\": [\"MistralForCausalLM\"], \"sliding_window\": 16," + BASE + "}",
        "sliding_window is 16");
    assertRefused(
        "{\"architectures\": [\"LlamaForCausalLM\"], \"rope_scaling\": {\"rope_type\": \"yarn\", \"factor\": 4.0},"
            + BASE
            + "}",
        "rope_scaling is yarn");
    assertRefused(
        "{\"architectures\": [\"Qwen2ForCausalLM\"]," + BASE + "}",
        "head_dim is 24, but llama.cpp");
  }

  private void assertRefused(String config, String reason) throws IOException {
    CheckpointWriter.deleteTree(folder.resolve("refused"));
    Path model = Models.write(folder.resolve("refused"), config, DType.F32, 1);
    Path out = folder.resolve("refused.gguf");
    String message =
        assertThrows(
                InvalidInputException.class,
                () -> GgufExport.run(model, out, GgufType.F16, bytes -> {}))
            .getMessage();
    assertTrue(message.contains(reason), message);
    assertFalse(Files.exists(out));
  }

  @Test
  void numbersBeyondFloat16AreRefused() throws IOException {
    Path model = Models.write(folder.resolve("m"), FAMILIES.get("llama"), DType.F32, 3);
    try (Checkpoint checkpoint = Checkpoint.open(model)) {
      StoredTensor tensor = checkpoint.tensor("model.layers.1.mlp.up_proj.weight");
      try (var channel =
          java.nio.channels.FileChannel.open(
              model.resolve("model.safetensors"), java.nio.file.StandardOpenOption.WRITE)) {
        channel.write(
            Encoder.encode(new float[] {70000}, DType.F32).asByteBuffer(), tensor.position() + 40);
      }
    }
    Path out = folder.resolve("large.gguf");
    String message =
        assertThrows(
                InvalidInputException.class,
                () -> GgufExport.run(model, out, GgufType.F16, bytes -> {}))
            .getMessage();
    assertTrue(message.contains("holds 70000.0, which float16 cannot hold"), message);
    GgufExport.run(model, out, GgufType.Q8_0, bytes -> {});
    assertTrue(Files.exists(out));
  }

  @Test
  void aFileThatSaysAnotherForwardIsRefused() throws IOException {
    Path file =
        export(
            Models.write(folder.resolve("m"), FAMILIES.get("llama"), DType.F32, 3), GgufType.F16);
    Map<String, GgufValue> wrong =
        Map.of(
            "general.architecture", new GgufValue.Text("gemma3"),
            "split.count", new GgufValue.Whole(3),
            "llama.rope.scaling.type", new GgufValue.Text("yarn"),
            "llama.rope.dimension_count", new GgufValue.Whole(12),
            "llama.expert_weights_scale", new GgufValue.Real(2.5),
            "llama.embedding_length", new GgufValue.Whole(128),
            "llama.block_count", new GgufValue.Whole(1));
    Map<String, String> reasons =
        Map.of(
            "general.architecture", "is 'gemma3', which Graft does not compute",
            "split.count", "this is one of 3 parts",
            "llama.rope.scaling.type", "is 'yarn'",
            "llama.rope.dimension_count", "is 12 but heads are 24 wide",
            "llama.expert_weights_scale", "is 2.5, which changes the forward pass",
            "llama.embedding_length", "token_embd.weight has the shape [40, 64]",
            "llama.block_count", "tensor blk.1.attn_norm.weight is none that");
    for (String key : wrong.keySet()) {
      assertOpenRefused(
          rewritten(file, t -> t, Map.of(), values -> with(values, key, wrong.get(key))),
          reasons.get(key));
    }
    for (String key :
        List.of(
            "general.architecture",
            "llama.block_count",
            "llama.attention.head_count",
            "llama.attention.layer_norm_rms_epsilon")) {
      assertOpenRefused(
          rewritten(file, t -> t, Map.of(), values -> without(values, key)),
          "the metadata lacks " + key);
    }
    assertOpenRefused(
        rewritten(
            file,
            t ->
                t.name().equals("output_norm.weight")
                    ? new GgufWriter.Declared("other", t.type(), t.shape())
                    : t,
            Map.of()),
        "tensor output_norm.weight is missing");
  }

  /** Whatever byte of the header is damaged, there is a model or one clear refusal. */
  @Test
  void damageNeverEscapes() throws IOException {
    Path file =
        export(
            Models.write(folder.resolve("m"), FAMILIES.get("mixtral"), DType.F32, 3),
            GgufType.Q8_0);
    byte[] whole = Files.readAllBytes(file);
    long header;
    try (Arena arena = Arena.ofConfined()) {
      header = GgufFile.open(file, arena).tensors().values().iterator().next().position();
    }
    SplittableRandom random = new SplittableRandom(23);
    int refused = 0;
    for (int trial = 0; trial < 3000; trial++) {
      byte[] damaged = whole.clone();
      int at = trial < header ? trial : random.nextInt((int) header);
      damaged[at] = (byte) (trial % 3 == 0 ? 0xFF : random.nextInt());
      Files.write(file, damaged);
      try {
        Checkpoint.open(file).close();
      } catch (InvalidInputException e) {
        assertTrue(e.getMessage().startsWith(file + ": "), e.getMessage());
        refused++;
      }
    }
    assertTrue(refused > 1000, () -> "few of the damaged files were refused");
  }

  private static Map<String, GgufValue> with(
      Map<String, GgufValue> values, String key, GgufValue value) {
    values.put(key, value);
    return values;
  }

  private static Map<String, GgufValue> without(Map<String, GgufValue> values, String key) {
    values.remove(key);
    return values;
  }

  private static void assertOpenRefused(Path file, String reason) {
    String message =
        assertThrows(InvalidInputException.class, () -> Checkpoint.open(file).close()).getMessage();
    assertTrue(message.contains(reason), message);
    assertTrue(message.startsWith(file + ": "), message);
  }
}
