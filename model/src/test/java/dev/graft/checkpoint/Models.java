package dev.graft.checkpoint;

import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** Small models on disk, and where the shared ones are. */
public final class Models {
  public static final String LLAMA =
      """
      {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": 24, "hidden_size": 16,
       "intermediate_size": 20, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2,
       "head_dim": 6, "rms_norm_eps": 1e-5, "rope_theta": 5000.0, "tie_word_embeddings": false,
       "max_position_embeddings": 64, "hidden_act": "silu", "torch_dtype": "bfloat16"}
      """;

  private Models() {}

  public static ObjectNode json(String text) {
    return (ObjectNode) JsonMapper.shared().readTree(text);
  }

  /** Writes a model of random weights. */
  public static Path write(Path directory, String config, DType dtype, long seed)
      throws IOException {
    return write(directory, config, dtype, seed, Long.MAX_VALUE);
  }

  public static Path write(
      Path directory, String config, DType dtype, long seed, long maxShardBytes)
      throws IOException {
    ObjectNode json = json(config);
    Map<String, List<Long>> names = TensorNames.of(ConfigReader.read("config.json", json));
    List<CheckpointWriter.Declared> declared = new ArrayList<>();
    names.forEach((name, shape) -> declared.add(new CheckpointWriter.Declared(name, dtype, shape)));
    SplittableRandom random = new SplittableRandom(seed);
    try (CheckpointWriter writer = CheckpointWriter.create(directory, declared, maxShardBytes)) {
      for (CheckpointWriter.Declared tensor : declared) {
        float[] values = new float[(int) (tensor.bytes() / dtype.bytes())];
        for (int i = 0; i < values.length; i++) {
          values[i] = (float) (0.1 * random.nextGaussian());
        }
        MemorySegment data = Encoder.encode(values, dtype);
        writer.write(tensor.name(), data);
      }
      writer.commit(json);
    }
    return directory;
  }

  /** A shape under another family's name, which GGUF does not keep apart. */
  public static ModelSpec withFamily(ModelSpec s, Family family) {
    return new ModelSpec(
        family,
        s.vocabSize(),
        s.hiddenSize(),
        s.intermediateSize(),
        s.numHiddenLayers(),
        s.numAttentionHeads(),
        s.numKeyValueHeads(),
        s.headDim(),
        s.rmsNormEps(),
        s.rope(),
        s.maxPositionEmbeddings(),
        s.tieWordEmbeddings(),
        s.queryKeyValueBias(),
        s.outputBias(),
        s.feedForwardBias(),
        s.queryKeyNorm(),
        s.slidingWindow(),
        s.initializerRange(),
        s.moe());
  }

  /** A path of the shared folder; the test is skipped aloud where it is absent. */
  public static Path shared(String relative) {
    String configured = System.getenv("GRAFT_SHARED");
    Path root = configured == null ? null : Path.of(configured);
    for (Path at = Path.of("").toAbsolutePath(); root == null && at != null; at = at.getParent()) {
      if (Files.exists(at.resolve("mvnw"))) {
        root = at.resolveSibling("shared");
      }
    }
    Path path = root == null ? null : root.resolve(relative);
    if (path == null || !Files.exists(path)) {
      return org.junit.jupiter.api.Assumptions.abort(
          "SKIPPED: shared/"
              + relative
              + " is not there; set GRAFT_SHARED or put shared beside the project");
    }
    return path;
  }

  /**
   * The directory of SmolLM2-135M-Instruct: GRAFT_SMOLLM2, or what scripts/smollm2 made; the test
   * is skipped aloud where it is absent.
   */
  public static Path smollm2() {
    String configured = System.getenv("GRAFT_SMOLLM2");
    Path path =
        configured == null
            ? Path.of("").toAbsolutePath().resolveSibling("target").resolve("smollm2")
            : Path.of(configured);
    return Files.exists(path.resolve("model.safetensors"))
        ? path
        : org.junit.jupiter.api.Assumptions.abort(
            "SKIPPED: SmolLM2 is not in "
                + path
                + "; make it with scripts/smollm2 or set GRAFT_SMOLLM2");
  }
}
