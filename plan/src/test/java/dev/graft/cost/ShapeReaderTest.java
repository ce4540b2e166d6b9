package dev.graft.cost;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.graft.checkpoint.InvalidInputException;
import dev.graft.peers.Shared;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ShapeReaderTest {
  /** Total and active parameters as each model's card or report gives them, in billions. */
  @Test
  void shippedShapesHaveTheParametersOfTheirCards() throws IOException {
    Map<String, double[]> cards =
        Map.of(
            "skywork-moe", new double[] {146, 22},
            "mixtral-8x7b", new double[] {46.7, 12.9},
            "mixtral-8x22b", new double[] {141, 39},
            "qwen2-57b-a14b", new double[] {57.4, 14.2},
            "qwen3-235b-a22b", new double[] {235, 22},
            "deepseek-v3", new double[] {671, 37},
            "gpt-oss-120b", new double[] {116.8, 5.1},
            "llama-3-8b", new double[] {8.03, 8.03},
            "llama-3-70b", new double[] {70.6, 70.6},
            "llama-3-405b", new double[] {405, 405});
    for (var card : cards.entrySet()) {
      TransformerShape shape = ShapeReader.read(card.getKey());
      assertEquals(card.getValue()[0], shape.parameters() / 1e9, 0.01 * card.getValue()[0]);
      // Cards differ in whether they count the embedding, the head, both or none.
      double table = (double) shape.vocab() * shape.hidden() / 1e9;
      assertEquals(
          card.getValue()[1],
          shape.activeParameters() / 1e9,
          0.02 * card.getValue()[1] + 1.01 * table,
          card.getKey());
    }
  }

  @Test
  void aModelDirectoryIsReadFromItsConfig() throws IOException {
    TransformerShape shape = ShapeReader.read(Shared.path("models/stories260k").toString());
    assertEquals(5, shape.layers());
    assertEquals(512, shape.vocab());
  }

  @Test
  void whatIsMissingIsNamed(@TempDir Path folder) throws IOException {
    Path file = Files.writeString(folder.resolve("m.yaml"), "{layers: 2, hidden: 8, ffn: 16}");
    var wrong = assertThrows(InvalidInputException.class, () -> ShapeReader.read(file.toString()));
    assertTrue(wrong.getMessage().contains("m.yaml: heads is missing"), wrong.getMessage());
    var unknown = assertThrows(InvalidInputException.class, () -> ShapeReader.read("gpt-5"));
    assertTrue(unknown.getMessage().contains("skywork-moe"), unknown.getMessage());
  }
}
