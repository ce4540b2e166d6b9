package dev.graft.cost;

import dev.graft.checkpoint.Checkpoint;
import dev.graft.checkpoint.ConfigReader;
import dev.graft.checkpoint.InvalidInputException;
import dev.graft.checkpoint.ModelSpec;
import dev.graft.checkpoint.MoeSpec;
import dev.graft.cluster.Fields;
import dev.graft.cost.TransformerShape.Experts;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * Reads a model's shape: a name that ships, a Hugging Face directory (its {@code config.json} is
 * enough), or a YAML file with the keys of the shapes that ship.
 */
public final class ShapeReader {
  private static final Fields SHIPPED = Fields.resource(ShapeReader.class, "models.yaml");

  private ShapeReader() {}

  /** The names that ship. */
  public static List<String> names() {
    return SHIPPED.keys();
  }

  /** The mesh that a shipped model is known to have been trained on, as --fix takes it. */
  public static Optional<String> knownMesh(String model) {
    return names().contains(model) ? SHIPPED.at(model).optionalText("mesh") : Optional.empty();
  }

  /**
   * By name, directory or file.
   *
   * @throws InvalidInputException if there is none, or it cannot be used
   */
  public static TransformerShape read(String model) throws IOException {
    if (names().contains(model)) {
      return of(SHIPPED.at(model));
    }
    Path path = Path.of(model);
    if (Files.isRegularFile(path.resolve("config.json"))) {
      return of(spec(path.resolve("config.json")));
    }
    if (model.endsWith(".gguf") && Files.isRegularFile(path)) {
      try (Checkpoint checkpoint = Checkpoint.open(path)) {
        return of(checkpoint.spec());
      }
    }
    if (!Files.isRegularFile(path)) {
      throw new InvalidInputException(
          "--model is '%s', which is neither a model's directory, nor a YAML file, nor one of %s"
              .formatted(model, String.join(", ", names())));
    }
    return of(Fields.read(path));
  }

  private static ModelSpec spec(Path config) throws IOException {
    try {
      if (JsonMapper.shared().readTree(Files.readString(config)) instanceof ObjectNode object) {
        return ConfigReader.read(config.toString(), object);
      }
      throw new InvalidInputException(config + ": this is no JSON object; give a model's config");
    } catch (JacksonException e) {
      throw new InvalidInputException(config + ": this is not JSON: " + e.getOriginalMessage(), e);
    }
  }

  /** The shape of a checkpoint. */
  public static TransformerShape of(ModelSpec spec) {
    Optional<MoeSpec> moe = spec.moe();
    return new TransformerShape(
        spec.numHiddenLayers(),
        spec.hiddenSize(),
        spec.intermediateSize(),
        true,
        spec.numAttentionHeads(),
        spec.numKeyValueHeads(),
        spec.headDim(),
        spec.vocabSize(),
        spec.tieWordEmbeddings(),
        moe.map(m ->
                new Experts(
                    spec.numHiddenLayers(), m.numExperts(), m.topK(), spec.intermediateSize(), 0))
            .orElse(Experts.NONE));
  }

  /**
   * A shape by the keys layers, hidden, ffn (of an expert, where there are some), heads, kv_heads,
   * head_dim, vocab, gated_mlp, tied_embeddings, experts, top_k, shared_expert_ffn,
   * first_dense_layers, dense_ffn, mla, alternating_window.
   */
  public static TransformerShape of(Fields fields) {
    int layers = fields.whole("layers", 1);
    int ffn = fields.whole("ffn", 1);
    int heads = fields.whole("heads", 1);
    int count = fields.whole("experts", 0, 0);
    Experts experts =
        count == 0
            ? Experts.NONE
            : new Experts(
                layers - fields.whole("first_dense_layers", 0, 0),
                count,
                fields.whole("top_k", 1),
                ffn,
                fields.whole("shared_expert_ffn", 0, 0));
    return new TransformerShape(
        layers,
        fields.whole("hidden", 1),
        fields.whole("dense_ffn", 1, ffn),
        fields.flag("gated_mlp", true),
        heads,
        fields.whole("kv_heads", 1, heads),
        fields.whole("head_dim", 1, Math.max(1, fields.whole("hidden", 1) / heads)),
        fields.whole("vocab", 1),
        fields.flag("tied_embeddings", false),
        experts,
        attention(fields));
  }

  private static Attention attention(Fields fields) {
    if (fields.has("mla")) {
      Fields latent = fields.at("mla");
      return new Attention.Latent(
          latent.whole("q_lora", 1),
          latent.whole("kv_lora", 1),
          latent.whole("nope", 1),
          latent.whole("rope", 1),
          latent.whole("v", 1));
    }
    return fields.has("alternating_window")
        ? new Attention.Alternating(fields.whole("alternating_window", 1))
        : new Attention.Full();
  }
}
