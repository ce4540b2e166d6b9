package dev.graft.network;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.graft.checkpoint.Checkpoint;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Map;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Logits, routing and greedy continuations against values that transformers and a numpy reference
 * computed.
 */
class GoldenTest {
  @BeforeAll
  static void start() {
    Libtorch.start(1, false);
  }

  @ParameterizedTest
  @ValueSource(strings = {"tiny-mixtral", "tiny-skywork-moe", "tiny-skywork-moe-fp8"})
  void tinyModelsMatch(String name) throws IOException {
    Path directory = Shared.path("golden/" + name);
    JsonNode golden =
        JsonMapper.shared().readTree(Files.readString(directory.resolve("golden.json")));
    try (Checkpoint checkpoint = Checkpoint.open(directory);
        Parameters parameters = Weights.load(checkpoint, Precision.F32, _ -> false);
        Network network = new Network(checkpoint.spec(), parameters, NetworkOptions.inference())) {
      for (JsonNode example : golden.get("cases")) {
        long[] ids = longs(example.get("ids"));
        Network.Inference inferred = network.infer(ids, false);
        int vocab = checkpoint.spec().vocabSize();
        for (Map.Entry<String, JsonNode> row : example.get("logits").properties()) {
          int position = Integer.parseInt(row.getKey());
          assertClose(row.getValue(), inferred.logits(), position * vocab, 1e-3);
        }
        int layer = 0;
        for (JsonNode routed : example.get("router")) {
          Network.Routing routing = inferred.routing().get(layer++);
          long[] expected = longs(routed.get("expert_ids"));
          assertEquals(
              Arrays.toString(expected),
              Arrays.toString(routing.expertIds()),
              name + " layer " + layer);
          assertClose(flat(routed.get("weights")), routing.weights(), 0, 1e-4);
        }
        assertEquals(
            Arrays.toString(longs(example.get("greedy_32"))),
            Arrays.toString(greedy(network, ids, 32)),
            name + " greedy");
      }
    }
  }

  @Test
  void stories260kMatches() throws IOException {
    Path directory = Shared.path("models/stories260k");
    JsonNode golden =
        JsonMapper.shared()
            .readTree(Files.readString(Shared.path("golden/stories260k/golden.json")));
    try (Checkpoint checkpoint = Checkpoint.open(directory);
        Parameters parameters = Weights.load(checkpoint, Precision.F32, _ -> false);
        Network network = new Network(checkpoint.spec(), parameters, NetworkOptions.inference())) {
      int vocab = checkpoint.spec().vocabSize();
      for (JsonNode example : golden.get("cases")) {
        long[] ids = longs(example.get("ids"));
        double[] logits = network.infer(ids, false).logits();
        for (int p = 0; p < ids.length; p++) {
          assertClose(example.get("logits_all_positions").get(p), logits, p * vocab, 1e-3);
        }
        assertEquals(
            Arrays.toString(longs(example.get("greedy_32_ids"))),
            Arrays.toString(greedy(network, ids, 32)));
      }
    }
  }

  private static long[] greedy(Network network, long[] prompt, int count) {
    long[] ids = prompt;
    for (int i = 0; i < count; i++) {
      double[] last = network.infer(ids, true).logits();
      int best = 0;
      for (int v = 1; v < last.length; v++) {
        best = last[v] > last[best] ? v : best;
      }
      ids = Arrays.copyOf(ids, ids.length + 1);
      ids[ids.length - 1] = best;
    }
    return Arrays.copyOfRange(ids, prompt.length, ids.length);
  }

  private static JsonNode flat(JsonNode rows) {
    var all = JsonMapper.shared().createArrayNode();
    rows.forEach(row -> row.forEach(all::add));
    return all;
  }

  private static long[] longs(JsonNode node) {
    JsonNode values = node.path(0).isArray() ? flat(node) : node;
    long[] result = new long[values.size()];
    for (int i = 0; i < result.length; i++) {
      result[i] = values.get(i).asLong();
    }
    return result;
  }

  private static void assertClose(
      JsonNode expected, double[] actual, int offset, double tolerance) {
    double worst = 0;
    for (int i = 0; i < expected.size(); i++) {
      worst = Math.max(worst, Math.abs(expected.get(i).asDouble() - actual[offset + i]));
    }
    assertTrue(worst <= tolerance, "largest difference " + worst);
  }
}
