package dev.graft.cost;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.graft.checkpoint.InvalidInputException;
import dev.graft.cluster.Fields;
import dev.graft.cost.TransformerShape.Experts;
import dev.graft.peers.Shared;
import java.io.IOException;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class TransformerShapeTest {
  /** Parameters and FLOPs of the published runs, as computed beside them independently. */
  @Test
  void countsWhatIsCountedBesidePublishedRuns() throws IOException {
    Path runs = Shared.path("published/published-runs.yaml");
    int compared = 0;
    for (Fields row : Fields.read(runs).list("rows")) {
      if (!row.text("kind").equals("training")) {
        continue;
      }
      String id = row.text("id");
      Fields derived = row.at("derived");
      TransformerShape shape = ShapeReader.of(row.at("model"));
      int sequence = row.at("model").whole("seq", 1);
      double parameters = derived.positive("params_total_b");
      assertEquals(parameters, shape.parameters() / 1e9, 0.01 * parameters, id);
      double full = derived.positive("model_gflops_per_token_full_attn");
      assertEquals(full, shape.trainingFlopsPerToken(sequence) / 1e9, 0.01 * full, id);
      double causal = derived.positive("model_gflops_per_token_causal_attn");
      assertEquals(causal, shape.causalFlopsPerToken(sequence) / 1e9, 0.01 * causal, id);
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
