package dev.graft.quantize;

import static org.junit.jupiter.api.Assertions.assertEquals;

import dev.graft.checkpoint.Checkpoint;
import dev.graft.checkpoint.CheckpointWriter;
import dev.graft.checkpoint.CheckpointWriter.Declared;
import dev.graft.checkpoint.DType;
import dev.graft.checkpoint.Models;
import dev.graft.checkpoint.TensorNames;
import dev.graft.peers.PeerPython;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.node.ObjectNode;

/** transformers and compressed-tensors read what Graft writes, and read the same numbers. */
class QuantizedPeersTest {
  /** Dimensions that 128 divides, since transformers refuses other blocks. */
  private static final String LLAMA =
      """
      {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": 256, "hidden_size": 256,
       "intermediate_size": 384, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
       "head_dim": 64, "rms_norm_eps": 1e-5, "rope_theta": 10000.0, "tie_word_embeddings": true,
       "attention_bias": true, "max_position_embeddings": 64, "hidden_act": "silu", "torch_dtype": "float32"}
      """;

  private static final String MIXTRAL =
      """
      {"architectures": ["MixtralForCausalLM"], "model_type": "mixtral", "vocab_size": 128, "hidden_size": 128,
       "intermediate_size": 256, "num_hidden_layers": 2, "num_attention_heads": 2, "num_key_value_heads": 2,
       "head_dim": 64, "num_local_experts": 4, "num_experts_per_tok": 2, "rms_norm_eps": 1e-5, "rope_theta": 10000.0,
       "sliding_window": null, "tie_word_embeddings": false, "max_position_embeddings": 64, "hidden_act": "silu",
       "torch_dtype": "float32"}
      """;

  @TempDir private Path directory;

  @Test
  void othersReadTheSameNumbers() throws IOException {
    List<String> pairs = new ArrayList<>();
    for (Scheme scheme : List.of(Scheme.FP8_TENSOR, Scheme.FP8_CHANNEL, Scheme.FP8_BLOCK)) {
      add(pairs, LLAMA, scheme, false, DType.F32);
      add(pairs, LLAMA, scheme, true, DType.BF16);
      add(pairs, MIXTRAL, scheme, false, DType.BF16);
      if (scheme != Scheme.FP8_BLOCK) {
        add(pairs, Models.LLAMA, scheme, true, DType.F32);
      }
    }
    List<String> lines =
        PeerPython.run("scripts/peers/check_quantized.py", pairs.toArray(String[]::new))
            .lines()
            .toList();
    assertEquals(pairs.size() / 2, lines.size());
  }

  private void add(List<String> pairs, String config, Scheme scheme, boolean lmHead, DType dtype)
      throws IOException {
    Path base = directory.resolve(scheme + "-" + pairs.size());
    Path source = Models.write(base.resolve("source"), config, dtype, 11);
    Path quantised = base.resolve("quantised");
    Quantizer.run(source, quantised, new QuantizeOptions(scheme, lmHead, 200_000), _ -> {});
    pairs.add(quantised.toString());
    pairs.add(plain(quantised, base.resolve("plain")).toString());
  }

  /** The same model in float32, as Graft reads it. */
  private static Path plain(Path quantised, Path out) throws IOException {
    try (Checkpoint checkpoint = Checkpoint.open(quantised);
        Arena arena = Arena.ofConfined()) {
      Map<String, List<Long>> names = TensorNames.of(checkpoint.spec());
      List<Declared> declared = new ArrayList<>();
      names.forEach((name, shape) -> declared.add(new Declared(name, DType.F32, shape)));
      try (CheckpointWriter writer = CheckpointWriter.create(out, declared, Long.MAX_VALUE)) {
        for (Declared tensor : declared) {
          MemorySegment floats = arena.allocate(tensor.bytes(), 4);
          checkpoint.copyWeight(tensor.name(), floats);
          writer.write(tensor.name(), floats);
        }
        ObjectNode config = checkpoint.config();
        config.remove("quantization_config");
        writer.commit(config);
      }
    }
    return out;
  }
}
