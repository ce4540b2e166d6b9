package dev.graft.upcycle;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.graft.checkpoint.Checkpoint;
import dev.graft.checkpoint.DType;
import dev.graft.checkpoint.Gating;
import dev.graft.checkpoint.InvalidInputException;
import dev.graft.checkpoint.Models;
import dev.graft.checkpoint.MoeSpec;
import dev.graft.checkpoint.TensorNames;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class UpcycleTest {
  private static final Map<String, String> DENSE =
      Map.of("w1", "gate_proj", "w2", "down_proj", "w3", "up_proj");

  @TempDir private Path directory;
  private Path dense;

  @BeforeEach
  void dense() throws IOException {
    dense = Models.write(directory.resolve("dense"), Models.LLAMA, DType.BF16, 1);
    Files.writeString(dense.resolve("tokenizer.json"), "{\"a\":1}");
    Files.writeString(dense.resolve("generation_config.json"), "{}");
  }

  @ParameterizedTest
  @EnumSource(Gating.class)
  void expertsAreCopiesAndTheTrunkStays(Gating gating) throws IOException {
    Path out = run("out", options(gating, List.of(), 0, 0));
    try (Checkpoint from = Checkpoint.open(dense);
        Checkpoint to = Checkpoint.open(out)) {
      assertEquals(
          Optional.of(new MoeSpec(4, 2, gating, gating == Gating.SOFTMAX ? 1 : 1.5)),
          to.spec().moe());
      assertEquals(from.spec().rope(), to.spec().rope());
      assertEquals(6, to.spec().headDim());
      for (String name : from.names()) {
        if (!name.contains(".mlp.")) {
          assertEquals(-1, from.tensor(name).data().mismatch(to.tensor(name).data()), name);
        }
      }
      for (int layer = 0; layer < 2; layer++) {
        for (int e = 0; e < 4; e++) {
          for (Map.Entry<String, String> part : DENSE.entrySet()) {
            assertEquals(
                -1,
                from.tensor(TensorNames.feedForward(layer, part.getValue()) + ".weight")
                    .data()
                    .mismatch(to.tensor(TensorNames.expert(layer, e, part.getKey())).data()));
          }
        }
        assertEquals(DType.BF16, to.tensor(TensorNames.gate(layer)).dtype());
      }
      assertFalse(
          to.tensor(TensorNames.gate(0)).data().mismatch(to.tensor(TensorNames.gate(1)).data())
              < 0);
      assertEquals(
          List.of(1.0, 1.0),
          ExpertCosine.perLayer(to).stream().map(c -> Math.round(c * 1e6) / 1e6).toList());
    }
    assertEquals("{\"a\":1}", Files.readString(out.resolve("tokenizer.json")));
    assertTrue(Files.exists(out.resolve("generation_config.json")));
  }

  @Test
  void theSameSeedWritesTheSameBytes() throws IOException {
    Path a = run("a", options(Gating.NORMALIZED, List.of(), 0.1, 0.5));
    Path b = run("b", options(Gating.NORMALIZED, List.of(), 0.1, 0.5));
    assertEquals(
        -1, Files.mismatch(a.resolve("model.safetensors"), b.resolve("model.safetensors")));
  }

  @Test
  void noiseAndReinitialisationMakeExpertsDiffer() throws IOException {
    Path noisy = run("noisy", options(Gating.NORMALIZED, List.of(), 0.5, 0));
    Path redrawn = run("redrawn", options(Gating.NORMALIZED, List.of(), 0, 0.5));
    try (Checkpoint from = Checkpoint.open(dense);
        Checkpoint n = Checkpoint.open(noisy);
        Checkpoint r = Checkpoint.open(redrawn)) {
      // Noise of half the standard deviation: cosine 1 / (1 + 0.25).
      assertEquals(0.8, ExpertCosine.perLayer(n).getFirst(), 0.05);
      // Half of 20 columns are drawn anew in each: w1 keeps exactly 10 rows of the dense matrix.
      float[] original =
          from.tensor(TensorNames.feedForward(0, "gate_proj") + ".weight").toFloats();
      float[] expert = r.tensor(TensorNames.expert(0, 1, "w1")).toFloats();
      int kept = 0;
      for (int row = 0; row < 20; row++) {
        kept +=
            java.util.Arrays.equals(
                    original, row * 16, row * 16 + 16, expert, row * 16, row * 16 + 16)
                ? 1
                : 0;
      }
      assertEquals(10, kept);
      assertTrue(ExpertCosine.perLayer(r).getFirst() < 0.6);
    }
  }

  @Test
  void expertsComeFromSeveralModelsInTurns() throws IOException {
    Path other = Models.write(directory.resolve("other"), Models.LLAMA, DType.BF16, 2);
    Files.writeString(other.resolve("tokenizer.json"), "{\"a\":1}");
    Path out = run("out", options(Gating.SOFTMAX, List.of(dense, other), 0, 0));
    try (Checkpoint b = Checkpoint.open(other);
        Checkpoint to = Checkpoint.open(out)) {
      for (int e : new int[] {1, 3}) {
        assertEquals(
            -1,
            b.tensor(TensorNames.feedForward(1, "down_proj") + ".weight")
                .data()
                .mismatch(to.tensor(TensorNames.expert(1, e, "w2")).data()));
      }
    }
    Files.writeString(other.resolve("tokenizer.json"), "{\"a\":2}");
    refuse("models of one tokenizer", options(Gating.SOFTMAX, List.of(dense, other), 0, 0));
    Path wide =
        Models.write(
            directory.resolve("wide"),
            Models.LLAMA.replace("\"intermediate_size\": 20", "\"intermediate_size\": 22"),
            DType.BF16,
            2);
    refuse("models of one shape", options(Gating.SOFTMAX, List.of(dense, wide), 0, 0));
  }

  @Test
  void whatCannotBeUpcycledIsNamed() throws IOException {
    assertThrows(
        InvalidInputException.class,
        () -> new UpcycleOptions(4, 5, Gating.SOFTMAX, 1, List.of(), 0, 0, false, 1, 1000));
    assertThrows(
        InvalidInputException.class,
        () -> new UpcycleOptions(1, 1, Gating.SOFTMAX, 1, List.of(), 0, 0, false, 1, 1000));
    assertThrows(InvalidInputException.class, () -> options(Gating.SOFTMAX, List.of(), -1, 0));
    assertThrows(InvalidInputException.class, () -> options(Gating.SOFTMAX, List.of(), 0, 1.5));
    Path moe = run("moe", options(Gating.SOFTMAX, List.of(), 0, 0));
    InvalidInputException refused =
        assertThrows(
            InvalidInputException.class,
            () ->
                Upcycle.run(
                    moe,
                    directory.resolve("again"),
                    options(Gating.SOFTMAX, List.of(), 0, 0),
                    _ -> {}));
    assertTrue(refused.getMessage().contains("has experts already"), refused.getMessage());
    refuse(
        directory.resolve("moe").toString(),
        directory.resolve("moe"),
        options(Gating.SOFTMAX, List.of(), 0, 0));
    String qwen =
        Models.LLAMA
            .replace("LlamaForCausalLM", "Qwen2ForCausalLM")
            .replace("\"llama\"", "\"qwen2\"");
    dense = Models.write(directory.resolve("qwen"), qwen, DType.BF16, 1);
    refuse(
        "attention biases, which the Mixtral form cannot say",
        options(Gating.SOFTMAX, List.of(), 0, 0));
    try (Checkpoint to =
        Checkpoint.open(run("qwen-moe", options(Gating.NORMALIZED, List.of(), 0, 0)))) {
      assertTrue(to.spec().queryKeyValueBias() && !to.spec().outputBias());
    }
  }

  @Test
  void modelingFilesAreAddedAndNamed() throws IOException {
    Path out = directory.resolve("out");
    Upcycle.run(
        dense,
        out,
        new UpcycleOptions(4, 2, Gating.NORMALIZED, 1, List.of(), 0, 0, true, 1, 1_000_000),
        _ -> {});
    assertTrue(
        Files.readString(out.resolve("config.json"))
            .contains("modeling_skywork_moe.SkyworkForCausalLM"));
    assertTrue(Files.size(out.resolve("modeling_skywork_moe.py")) > 1000);
    assertTrue(Files.size(out.resolve("configuration_skywork_moe.py")) > 1000);
  }

  private Path run(String name, UpcycleOptions options) throws IOException {
    Path out = directory.resolve(name);
    Upcycle.run(dense, out, options, _ -> {});
    return out;
  }

  private void refuse(String expected, UpcycleOptions options) {
    refuse(expected, directory.resolve("refused"), options);
  }

  private void refuse(String expected, Path out, UpcycleOptions options) {
    InvalidInputException refused =
        assertThrows(InvalidInputException.class, () -> Upcycle.run(dense, out, options, _ -> {}));
    assertTrue(refused.getMessage().contains(expected), refused.getMessage());
  }

  private static UpcycleOptions options(
      Gating gating, List<Path> sources, double noise, double reinit) {
    return new UpcycleOptions(4, 2, gating, 1.5, sources, noise, reinit, false, 7, 1_000_000);
  }
}
