package dev.graft.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.graft.peers.PeerPython;
import dev.graft.peers.Shared;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * A few questions of MMLU, CMMLU and a task of one's own, scored by Graft, by lm-evaluation-harness
 * and by transformers: {@code scripts/peers/eval_parity.py} in short.
 */
class EvalParityTest {
  private static final double ALLOWED = 1e-3;

  @TempDir Path folder;

  @Test
  void questionsAreScoredAsLmEvaluationHarnessScoresThem() throws IOException {
    Path model = OwnProcess.smollm2().toAbsolutePath();
    Path data = Shared.path("data/eval");
    List<JsonNode> theirs =
        lines(
            PeerPython.run(
                "scripts/peers/eval_parity.py",
                model.toString(),
                "--subjects=2",
                "--items=2",
                "--cmmlu-subjects=1",
                "--shots=2",
                "--own=3",
                "--gsm8k=0",
                "--wikitext=0",
                "--out=" + folder,
                "--peers-only"));
    assertEquals(9, theirs.size());
    Map<String, JsonNode> ours = new HashMap<>();
    TreeSet<String> names = new TreeSet<>();
    theirs.forEach(line -> names.add(line.get("name").asString()));
    names.remove("own");
    names.add(folder.resolve("own.yaml").toString());
    Path out = folder.resolve("ours.json");
    assertEquals(
        0,
        Main.run(
            "eval",
            model.toString(),
            "--tasks=" + String.join(",", names),
            "--data=" + data,
            "--shots=2",
            "--limit=3",
            "--out=" + out));
    lines(Files.readString(folder.resolve("ours.items.jsonl")))
        .forEach(line -> ours.put(key(line.get("task"), line), line));
    for (JsonNode line : theirs) {
      JsonNode own = ours.get(key(line.get("name"), line));
      JsonNode choices = own.get("choices");
      double first = Double.NEGATIVE_INFINITY;
      double second = first;
      for (int c = 0; c < choices.size(); c++) {
        double expected = line.get("harness").get(c).doubleValue();
        double actual = choices.get(c).get("loglikelihood").doubleValue();
        assertEquals(expected, actual, ALLOWED, () -> line + " " + own);
        if (line.has("transformers")) {
          assertEquals(line.get("transformers").get(c).doubleValue(), actual, ALLOWED);
        }
        assertEquals(line.get("greedy").get(c), choices.get(c).get("greedy"));
        second = Math.max(second, Math.min(first, expected));
        first = Math.max(first, expected);
      }
      if (first - second > ALLOWED) {
        assertEquals(line.get("acc").doubleValue(), own.get("metrics").get("acc").doubleValue(), 0);
      }
    }
    assertTrue(theirs.stream().filter(line -> line.has("transformers")).count() >= 6);
  }

  private static String key(JsonNode task, JsonNode line) {
    return task.asString() + " " + line.get("doc").asInt();
  }

  /** The lines that are JSON; libraries print others. */
  private static List<JsonNode> lines(String text) {
    return text.lines()
        .filter(line -> line.startsWith("{"))
        .map(line -> JsonMapper.shared().readTree(line))
        .toList();
  }
}
