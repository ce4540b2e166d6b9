package dev.graft.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.graft.peers.PeerPython;
import java.nio.file.Path;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class UpcycleCommandTest {
  @TempDir private Path directory;

  /**
   * The upcycled model computes the dense one's function, and transformers agrees on what that is.
   */
  @ParameterizedTest
  @ValueSource(strings = {"softmax", "normalized"})
  void stories260kStaysTheSameFunction(String gating) {
    Path moe = upcycle(gating);
    String ids = "1,403,407,261,378,270,400";
    JsonNode ours = json(Captured.run("logits", moe.toString(), "--ids", ids, "--json"));
    JsonNode theirs =
        JsonMapper.shared()
            .readTree(
                PeerPython.run(
                    "scripts/peers/transformers_logits.py", moe.toString(), "--ids", ids));
    assertEquals(
        gating.equals("softmax") ? "MixtralForCausalLM" : "SkyworkForCausalLM",
        theirs.get("model").asString());
    for (int v = 0; v < 512; v++) {
      assertEquals(
          theirs.get("logits_last").get(v).asDouble(),
          ours.get("logits_last").get(v).asDouble(),
          1e-3);
    }
  }

  @Test
  void checkPrintsTheDifference() {
    for (String gating : new String[] {"softmax", "normalized"}) {
      upcycle(gating);
    }
  }

  @Test
  void checkReportsButDoesNotFailWhereExpertsDiffer() {
    Captured run =
        Captured.run(
            "upcycle",
            Shared.path("models/stories260k").toString(),
            directory.resolve("noisy").toString(),
            "--experts",
            "4",
            "--top-k",
            "2",
            "--noise",
            "0.5",
            "--check");
    assertEquals(0, run.code(), run.err());
    assertTrue(run.out().contains("the experts differ on purpose"), run.out());
    Captured inspected = Captured.run("inspect", directory.resolve("noisy").toString(), "--json");
    JsonNode facts = json(inspected);
    assertEquals(4, facts.get("num_experts").asInt());
    assertTrue(facts.get("expert_similarity").get(0).asDouble() < 0.9);
    assertTrue(facts.get("active_parameters").asLong() < facts.get("parameters").asLong());
  }

  @Test
  void mistakesExitWithTwo() {
    String dense = Shared.path("models/stories260k").toString();
    Captured topK =
        Captured.run(
            "upcycle", dense, directory.resolve("a").toString(), "--experts", "2", "--top-k", "3");
    assertEquals(2, topK.code());
    assertTrue(topK.err().contains("--top-k is 3"), topK.err());
    Captured absent =
        Captured.run(
            "upcycle",
            directory.resolve("none").toString(),
            directory.resolve("a").toString(),
            "--experts",
            "2",
            "--top-k",
            "1");
    assertEquals(2, absent.code());
    assertTrue(absent.err().contains("there is no config.json"), absent.err());
  }

  private Path upcycle(String gating) {
    Path out = directory.resolve(gating);
    String[] modeling =
        gating.equals("normalized") ? new String[] {"--with-modeling"} : new String[0];
    String[] arguments = {
      "upcycle",
      Shared.path("models/stories260k").toString(),
      out.toString(),
      "--experts",
      "8",
      "--top-k",
      "2",
      "--gating",
      gating,
      "--check"
    };
    String[] all = java.util.Arrays.copyOf(arguments, arguments.length + modeling.length);
    System.arraycopy(modeling, 0, all, arguments.length, modeling.length);
    Captured run = Captured.run(all);
    assertEquals(0, run.code(), run.err());
    Matcher matcher = Pattern.compile("largest difference of logits (\\S+)").matcher(run.out());
    assertTrue(matcher.find(), run.out());
    assertTrue(Double.parseDouble(matcher.group(1)) <= 1e-4, run.out());
    return out;
  }

  private static JsonNode json(Captured run) {
    assertEquals(0, run.code(), run.err());
    return JsonMapper.shared().readTree(run.out());
  }
}
