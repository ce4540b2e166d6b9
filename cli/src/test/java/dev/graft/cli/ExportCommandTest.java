package dev.graft.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.graft.checkpoint.CheckpointWriter;
import dev.graft.checkpoint.ConfigReader;
import dev.graft.checkpoint.DType;
import dev.graft.checkpoint.Encoder;
import dev.graft.checkpoint.TensorNames;
import dev.graft.gguf.GgufFile;
import dev.graft.gguf.GgufTensor;
import dev.graft.text.Tokenizer;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** {@code graft export}, and what llama.cpp makes of its files. */
class ExportCommandTest {
  private static final String BASE =
      """
      "vocab_size": 96, "hidden_size": 64, "intermediate_size": 128, "num_hidden_layers": 3,
      "num_attention_heads": 4, "num_key_value_heads": 2, "rms_norm_eps": 1e-5,
      "rope_theta": 10000.0, "max_position_embeddings": 256
      """;

  private static final String TINY =
      """
      "hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 1,
      "num_key_value_heads": 1, "tie_word_embeddings": true, "rms_norm_eps": 1e-5,
      "rope_theta": 10000.0, "max_position_embeddings": 256
      """;

  private static final double HALVES = 1e-2;
  private static final double BYTES = 0.15;
  private static final String TEXT =
      "Once upon a time there was a little girl named Lucy. She liked to play in the garden with her"
          + " dog. One day they found a red ball under the old tree, and the dog ran away with it.";

  @TempDir private Path directory;

  private Path export(Path model, String type) {
    Path out = directory.resolve(model.getFileName() + "-" + type + ".gguf");
    Captured run = Captured.run("export", model.toString(), out.toString(), "--type", type);
    assertEquals(0, run.code(), run.err());
    assertTrue(run.out().startsWith("wrote " + out + ": " + type), run.out());
    return out;
  }

  private static Path smollm2() {
    String given = System.getenv("GRAFT_SMOLLM2");
    Path model = given == null ? Project.root().resolve("target/smollm2") : Path.of(given);
    Assumptions.assumeTrue(
        Files.exists(model),
        () -> "SKIPPED: " + model + " is not there; run scripts/smollm2 or set GRAFT_SMOLLM2");
    return model;
  }

  private static double[] ours(Path model, List<Integer> ids) {
    Captured run =
        Captured.run(
            "logits",
            model.toString(),
            "--ids",
            ids.stream().map(String::valueOf).collect(Collectors.joining(",")),
            "--json");
    assertEquals(0, run.code(), run.err());
    return doubles(JsonMapper.shared().readTree(run.out()).get("logits_last"));
  }

  private static double[] doubles(JsonNode row) {
    return IntStream.range(0, row.size()).mapToDouble(i -> row.get(i).doubleValue()).toArray();
  }

  /**
   * Ours of a model and llama.cpp's of a file, by the root mean square of their difference over the
   * standard deviation of the logits: rounding activations to float16 as llama.cpp does costs some
   * 1e-3, to 8 bits some 1e-2, and one wrong row of a head, frequency or scale 1e-1 and more.
   */
  private static void assertAgree(
      Path model, Path file, List<List<Integer>> prompts, double tolerance) throws IOException {
    JsonNode theirs = LlamaCpp.logits(file, prompts);
    for (int p = 0; p < prompts.size(); p++) {
      double[] expected = doubles(theirs.get(p));
      double[] logits = ours(model, prompts.get(p));
      assertEquals(expected.length, logits.length);
      double mean = Arrays.stream(expected).average().orElseThrow();
      double variance = 0;
      double apart = 0;
      for (int v = 0; v < logits.length; v++) {
        variance += Math.pow(expected[v] - mean, 2);
        apart += Math.pow(expected[v] - logits[v], 2);
      }
      double share = Math.sqrt(apart / variance);
      assertTrue(share <= tolerance, file + ", prompt " + p + ": " + share);
    }
  }

  /** Beginnings of a text, as ids of a model's tokenizer. */
  private static List<List<Integer>> text(Path model) throws IOException {
    try (Tokenizer tokenizer = Tokenizer.open(model)) {
      return beginnings(Arrays.stream(tokenizer.encodeWithSpecials(TEXT)).boxed().toList());
    }
  }

  /** Beginnings of ids, for a model without a tokenizer. */
  private static List<List<Integer>> ids(int vocabulary) {
    return beginnings(IntStream.range(0, 60).mapToObj(i -> i * i * 7919 % vocabulary).toList());
  }

  private static List<List<Integer>> beginnings(List<Integer> ids) {
    return List.of(ids.subList(0, 2), ids.subList(0, 9), ids);
  }

  private static void assertAgree(Path model, Path file, List<List<Integer>> prompts)
      throws IOException {
    assertAgree(model, file, prompts, HALVES);
    // And what we read back from the file is what llama.cpp reads.
    assertAgree(file, file, prompts, HALVES);
  }

  @Test
  void stories260kAndItsMixture() throws IOException {
    Path model = Shared.path("models/stories260k");
    assertAgree(model, export(model, "f16"), text(model));
    Path moe = directory.resolve("moe");
    upcycle(model, moe, "0.05");
    assertAgree(moe, export(moe, "f16"), text(model));
  }

  @Test
  void tinyMixtral() throws IOException {
    Path model = Shared.path("golden/tiny-mixtral");
    assertAgree(model, export(model, "f16"), ids(512));
  }

  @Test
  void smollm2AndItsMixture() throws IOException {
    Path model = smollm2();
    assertAgree(model, export(model, "f16"), text(model));
    assertAgree(model, model.resolve("model.Q4_1.gguf"), text(model), BYTES);
    Path moe = directory.resolve("moe");
    upcycle(model, moe, "0");
    assertAgree(moe, export(moe, "q8_0"), text(model), BYTES);
  }

  private static void upcycle(Path dense, Path moe, String noise) {
    Captured run =
        Captured.run(
            "upcycle",
            dense.toString(),
            moe.toString(),
            "--experts",
            "4",
            "--top-k",
            "2",
            "--gating",
            "softmax",
            "--noise",
            noise);
    assertEquals(0, run.code(), run.err());
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "\"architectures\": [\"LlamaForCausalLM\"], \"attention_bias\": true, \"mlp_bias\": true",
        "\"architectures\": [\"LlamaForCausalLM\"], \"rope_scaling\": {\"rope_type\": \"linear\", \"factor\": 4.0}",
        "\"architectures\": [\"LlamaForCausalLM\"], \"rope_scaling\": {\"rope_type\": \"llama3\", \"factor\": 8.0,"
            + " \"low_freq_factor\": 1.0, \"high_freq_factor\": 4.0, \"original_max_position_embeddings\": 64}",
        "\"architectures\": [\"MixtralForCausalLM\"], \"num_local_experts\": 5, \"num_experts_per_tok\": 3",
        "\"architectures\": [\"Qwen2ForCausalLM\"], \"tie_word_embeddings\": true, \"head_dim\": 16",
        "\"architectures\": [\"Qwen3ForCausalLM\"]"
      })
  void everyFormThatIsExported(String form) throws IOException {
    Path model =
        random("{" + form + (form.contains("head_dim") ? "," : ", \"head_dim\": 32,") + BASE + "}");
    assertAgree(model, export(model, "f16"), ids(96));
  }

  private Path random(String config) throws IOException {
    ObjectNode json = (ObjectNode) JsonMapper.shared().readTree(config);
    Map<String, List<Long>> names = TensorNames.of(ConfigReader.read("config.json", json));
    List<CheckpointWriter.Declared> declared = new ArrayList<>();
    names.forEach(
        (name, shape) -> declared.add(new CheckpointWriter.Declared(name, DType.F32, shape)));
    Path model = directory.resolve("random");
    SplittableRandom random = new SplittableRandom(17);
    try (CheckpointWriter writer = CheckpointWriter.create(model, declared, 1L << 40)) {
      for (CheckpointWriter.Declared tensor : declared) {
        float[] values = new float[(int) (tensor.bytes() / 4)];
        boolean norm = tensor.name().endsWith("norm.weight");
        for (int i = 0; i < values.length; i++) {
          values[i] =
              (float) (norm ? 1 + 0.3 * random.nextGaussian() : 0.2 * random.nextGaussian());
        }
        writer.write(tensor.name(), Encoder.encode(values, DType.F32));
      }
      writer.commit(json);
    }
    return model;
  }

  /** Types, order of rows and each rounded byte are those of llama.cpp's own quantisation. */
  @Test
  void eightBitsAreLlamaCppsOwn() throws IOException {
    for (Path model :
        List.of(Shared.path("models/stories260k"), Shared.path("golden/tiny-mixtral"), smollm2())) {
      Path half = export(model, "f16");
      Path theirs = directory.resolve("theirs.gguf");
      LlamaCpp.quantize(half, theirs, "Q8_0");
      Path ours = export(half, "q8_0");
      try (Arena arena = Arena.ofConfined()) {
        GgufFile a = GgufFile.open(theirs, arena);
        GgufFile b = GgufFile.open(ours, arena);
        assertEquals(a.tensors().keySet(), b.tensors().keySet());
        for (GgufTensor tensor : a.tensors().values()) {
          GgufTensor other = b.tensors().get(tensor.name());
          assertEquals(tensor.type(), other.type(), tensor.name());
          assertEquals(-1, a.data(tensor).mismatch(b.data(other)), tensor.name());
        }
      }
      Files.delete(half);
      Files.delete(ours);
    }
  }

  @Test
  void fourBitsOfLlamaCppAreRead() throws IOException {
    Path model = Shared.path("models/stories260k");
    Path half = export(model, "f16");
    for (String type : List.of("Q4_0", "Q4_1")) {
      Path four = directory.resolve(type + ".gguf");
      // The rows of 172 stay float16, and llama.cpp would make the output Q6_K unless it is tied.
      LlamaCpp.quantize(half, four, type);
      assertAgree(four, four, text(model), BYTES);
    }
  }

  /** The names and scores that we write make llama.cpp cut as the model's own tokenizer does. */
  @Test
  void vocabulariesCutAlike() throws IOException {
    for (Path model : List.of(Shared.path("models/stories260k"), smollm2())) {
      assertCutAlike(model, export(model, "q8_0"));
    }
  }

  private static void assertCutAlike(Path model, Path file) throws IOException {
    List<String> texts =
        new ArrayList<>(
            List.of(
                "1234567890 3.14159 2024",
                "I'll don't WE'RE x'S",
                "<|im_start|>user\nHi<|im_end|>\n",
                "  two  spaces\n\n\tand a tab \r\n\r\n x",
                "def f(x):\n    return x**2  # comment\n\n",
                "naïve café — 你好，世界 🙂👍🏽 HelloWorld iPhone"));
    Files.readAllLines(Shared.path("data/text/wikitext2-valid.txt")).stream()
        .filter(line -> !line.isBlank())
        .limit(400)
        .forEach(texts::add);
    JsonNode theirs = LlamaCpp.tokenize(file, texts);
    for (Path ours : List.of(model, file)) {
      try (Tokenizer tokenizer = Tokenizer.open(ours)) {
        for (int t = 0; t < texts.size(); t++) {
          List<Integer> expected = new ArrayList<>();
          theirs.get(t).forEach(id -> expected.add(id.intValue()));
          assertEquals(
              expected,
              Arrays.stream(tokenizer.encode(texts.get(t))).boxed().toList(),
              ours + ": " + texts.get(t));
        }
      }
    }
  }

  /** The steps of other models' tokenizer.json around SmolLM2's vocabulary. */
  @ParameterizedTest
  @ValueSource(strings = {"gpt-2", "llama-bpe", "qwen2", "tekken"})
  void everyCutThatHasANameIsTheirs(String name) throws IOException {
    Path model =
        random("{\"architectures\": [\"LlamaForCausalLM\"], \"vocab_size\": 49152, " + TINY + "}");
    ObjectNode json =
        (ObjectNode)
            JsonMapper.shared().readTree(Files.readString(smollm2().resolve("tokenizer.json")));
    String words =
        switch (name) {
          case "llama-bpe" ->
              "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
          case "qwen2" ->
              "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
          case "tekken" ->
              "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
          default -> "";
        };
    ObjectNode cut = json.putObject("pre_tokenizer");
    ObjectNode bytes = cut;
    if (!words.isEmpty()) {
      cut.put("type", "Sequence");
      ObjectNode split = cut.putArray("pretokenizers").addObject();
      split.put("type", "Split").putObject("pattern").put("Regex", words);
      split.put("behavior", "Isolated").put("invert", false);
      bytes = ((ArrayNode) cut.get("pretokenizers")).addObject();
    }
    bytes.put("type", "ByteLevel").put("add_prefix_space", false);
    bytes.put("trim_offsets", false).put("use_regex", words.isEmpty());
    ((ObjectNode) json.get("model"))
        .put("ignore_merges", name.equals("llama-bpe") || name.equals("tekken"));
    if (name.equals("qwen2")) {
      json.putObject("normalizer").put("type", "NFC");
    }
    Files.writeString(
        model.resolve("tokenizer.json"), JsonMapper.shared().writeValueAsString(json));
    Path file = export(model, "f16");
    try (Arena arena = Arena.ofConfined()) {
      assertEquals(
          name, GgufFile.open(file, arena).metadata().text("tokenizer.ggml.pre").orElseThrow());
    }
    assertCutAlike(model, file);
  }

  @Test
  void inspectReadsWhatExportWrote() throws IOException {
    Path model = random("{\"architectures\": [\"LlamaForCausalLM\"]," + BASE + "}");
    Path file = export(model, "q8_0");
    Captured run = Captured.run("inspect", file.toString(), "--json");
    assertEquals(0, run.code(), run.err());
    JsonNode facts = JsonMapper.shared().readTree(run.out());
    assertEquals(64, facts.get("hidden_size").intValue());
    long matrices = 2 * 96 * 64 + 3 * (2 * 64 * 64 + 2 * 32 * 64 + 3 * 64 * 128);
    assertEquals(matrices * 34 / 32, facts.get("bytes").get("Q8_0").longValue());
    assertEquals(7 * 64 * 4, facts.get("bytes").get("F32").longValue());
    Captured ranks = Captured.run("inspect", file.toString(), "--tp", "2");
    assertEquals(0, ranks.code(), ranks.err());
  }

  @Test
  void whatCannotBeUsedIsNamed() throws IOException {
    Path model = random("{\"architectures\": [\"LlamaForCausalLM\"]," + BASE + "}");
    Path file = export(model, "f16");
    assertRefused("a file of this name is there", model, file, "f16");
    Path other = directory.resolve("other.gguf");
    assertRefused("--type is 'q4_k'; it is f16 or q8_0", model, other, "q4_k");
    Path cut = directory.resolve("cut.gguf");
    Files.write(cut, Arrays.copyOf(Files.readAllBytes(file), 5000));
    assertRefused("is truncated or damaged", cut, other, "f16");
    Files.writeString(cut, "no model");
    assertRefused("does not begin with the letters GGUF", cut, other, "f16");
    assertFalse(Files.exists(other));
    Captured upcycled =
        Captured.run(
            "upcycle", file.toString(), other.toString(), "--experts", "2", "--top-k", "1");
    assertEquals(2, upcycled.code());
    assertTrue(upcycled.err().contains("this is a GGUF file"), upcycled.err());
  }

  private static void assertRefused(String reason, Path model, Path out, String type) {
    Captured run = Captured.run("export", model.toString(), out.toString(), "--type", type);
    assertEquals(2, run.code(), run.out());
    assertTrue(run.err().contains(reason), run.err());
  }
}
