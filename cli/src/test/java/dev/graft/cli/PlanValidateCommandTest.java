package dev.graft.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class PlanValidateCommandTest {
  @Test
  void printsEveryRowWithItsErrorAndTheFigures() {
    Captured run = Captured.run("plan", "validate");
    assertEquals(0, run.code(), run.err());
    assertTrue(run.out().contains("skywork-moe-146b-1536xA800"), run.out());
    assertTrue(run.out().contains("median absolute error"), run.out());
  }

  @Test
  void jsonHasPredictedReportedAndError(@TempDir Path folder) throws IOException {
    Path file =
        Files.writeString(
            folder.resolve("runs.yaml"),
            """
            rows:
            - id: mine
              family: mine
              group: mine
              kind: training
              model: {layers: 32, hidden: 4096, ffn: 14336, heads: 32, kv_heads: 8, vocab: 128256, seq: 8192}
              parallel: {tp: 1, pp: 1, dp: 8, zero: 3}
              micro_batch: 2
              global_batch_seqs: 16
              hardware: {gpu: H100, count: 8}
              reported: {tokens_per_s_per_gpu: 6000}
            """);
    Captured run = Captured.run("plan", "validate", "--runs", file.toString(), "--json");
    assertEquals(0, run.code(), run.err());
    JsonNode row = JsonMapper.shared().readTree(run.out()).path("rows").get(0);
    assertEquals("mine", row.path("id").asString());
    assertEquals("tokens_per_s_per_gpu", row.path("metric").asString());
    assertEquals(6000, row.path("reported").asDouble());
    assertEquals(row.path("predicted").asDouble() / 6000 - 1, row.path("error").asDouble(), 1e-12);
  }

  @Test
  void aFileThatIsNotThereIsOneSentence() {
    Captured run = Captured.run("plan", "validate", "--runs", "nowhere.yaml");
    assertEquals(2, run.code());
    assertTrue(run.err().contains("nowhere.yaml: there is no such file"), run.err());
  }
}
