package dev.graft.cost;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.graft.checkpoint.InvalidInputException;
import dev.graft.cost.TransformerShape.Experts;
import dev.graft.peers.Shared;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.dataformat.yaml.YAMLMapper;

class TransformerShapeTest {
  private static TransformerShape read(JsonNode model) {
    int layers = model.path("layers").asInt();
    int experts = model.path("experts").asInt(0);
    int expertLayers = experts == 0 ? 0 : layers - model.path("first_dense_layers").asInt(0);
    int ffn = model.path("ffn").asInt();
    return new TransformerShape(
        layers,
        model.path("hidden").asInt(),
        model.path("dense_ffn").asInt(ffn),
        model.path("gated_mlp").asBoolean(),
        model.path("heads").asInt(),
        model.path("kv_heads").asInt(),
        model.path("head_dim").asInt(),
        model.path("vocab").asInt(),
        model.path("tied_embeddings").asBoolean(),
        new Experts(
            expertLayers,
            experts,
            model.path("top_k").asInt(0),
            ffn,
            model.path("shared_expert_ffn").asInt(0)));
  }

  /** Parameters and FLOPs of the published runs, as computed beside them independently. */
  @Test
  void countsWhatIsCountedBesidePublishedRuns() {
    Path runs = Shared.path("published/published-runs.yaml");
    int compared = 0;
    for (JsonNode row : new YAMLMapper().readTree(runs).path("rows")) {
      String name = row.path("model").path("name").asString("").toLowerCase(java.util.Locale.ROOT);
      boolean otherAttention =
          name.contains("deepseek") || name.contains("kimi") || name.contains("gpt-oss");
      if (!row.path("kind").asString("").equals("training") || otherAttention) {
        continue;
      }
      String id = row.path("id").asString();
      JsonNode model = row.path("model");
      JsonNode derived = row.path("derived");
      double parameters = derived.path("params_total_b").asDouble();
      assertEquals(parameters, read(model).parameters() / 1e9, 0.01 * parameters, id);
      double flops = derived.path("model_gflops_per_token_full_attn").asDouble();
      int sequence = model.path("seq").asInt();
      assertEquals(flops, read(model).trainingFlopsPerToken(sequence) / 1e9, 0.01 * flops, id);
      compared++;
    }
    assertTrue(compared > 100, "rows compared: " + compared);
  }

  @Test
  void skyworkMoeIsAsItsReportSays() {
    TransformerShape skywork =
        new TransformerShape(
            52, 4608, 12288, true, 36, 36, 128, 65536, false, new Experts(52, 16, 2, 12288, 0));
    assertEquals(146e9, skywork.parameters(), 1e9);
    assertEquals(22e9, skywork.activeParameters(), 1e9);
  }

  @Test
  void aModelWithoutLayersIsRefused() {
    assertThrows(
        InvalidInputException.class,
        () -> new TransformerShape(0, 8, 8, true, 1, 1, 8, 8, true, Experts.NONE));
  }
}
