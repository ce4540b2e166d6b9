package dev.graft.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.graft.quantize.QuantizeOptions;
import dev.graft.quantize.Quantizer;
import dev.graft.quantize.Scheme;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** {@code graft logits --tp}. */
@Timeout(value = 5, unit = TimeUnit.MINUTES)
class RankedLogitsTest {
  private static JsonNode logits(Path model, String... options) {
    List<String> args = new ArrayList<>(List.of("logits", model.toString()));
    args.addAll(List.of("--ids", "1,403,7,99,255,31,8", "--all", "--greedy", "16", "--json"));
    args.addAll(List.of(options));
    Captured run = Captured.run(args.toArray(String[]::new));
    assertEquals(0, run.code(), run.err());
    return JsonMapper.shared().readTree(run.out());
  }

  @Test
  void ranksOfTheFp8MoeGiveWhatOneGives() {
    compare(
        Shared.path("golden/tiny-skywork-moe-fp8"),
        List.of("--tp", "2"),
        List.of("--shares", "5,3,1"),
        List.of("--tp", "6"),
        List.of("--tp", "2", "--launch", "processes"));
  }

  /** 4 query heads in 2 groups: over 3 ranks both groups' key/value heads are held twice. */
  @Test
  void processesCutGroups() {
    compare(
        Shared.path("golden/tiny-mixtral"),
        List.of("--shares", "5,3,1", "--launch", "processes"),
        List.of("--tp", "4", "--launch", "processes"));
  }

  @ParameterizedTest
  @EnumSource
  void processesCutQuantisedForms(Scheme scheme, @TempDir Path folder) throws IOException {
    Path model = folder.resolve("model");
    QuantizeOptions options = new QuantizeOptions(scheme, true, Long.MAX_VALUE);
    Quantizer.run(Shared.path("golden/tiny-mixtral"), model, options, bytes -> {});
    compare(
        model, List.of("--shares", "5,3,1"), List.of("--shares", "2,1", "--launch", "processes"));
  }

  /** Rows of 64 in blocks of 32, and heads of 8: o_proj is cut within blocks. */
  @ParameterizedTest
  @ValueSource(strings = {"f16", "q8_0"})
  void aGgufFileIsDealtOutToo(String type, @TempDir Path folder) {
    Path file = folder.resolve("stories.gguf");
    Path stories = Shared.path("models/stories260k");
    Captured export = Captured.run("export", stories.toString(), file.toString(), "--type", type);
    assertEquals(0, export.code(), export.err());
    compare(
        file,
        List.of("--tp", "8"),
        List.of("--shares", "5,3,1"),
        List.of("--tp", "3", "--launch", "processes"));
  }

  @SafeVarargs
  private static void compare(Path model, List<String>... ways) {
    JsonNode one = logits(model);
    for (List<String> way : ways) {
      JsonNode many = logits(model, way.toArray(String[]::new));
      assertEquals(one.get("greedy"), many.get("greedy"), "" + way);
      for (int p = 0; p < one.get("logits").size(); p++) {
        JsonNode expected = one.get("logits").get(p);
        for (int v = 0; v < expected.size(); v++) {
          double actual = many.get("logits").get(p).get(v).asDouble();
          assertEquals(expected.get(v).asDouble(), actual, 1e-4, way + " position " + p);
        }
      }
      for (int l = 0; l < one.get("router").size(); l++) {
        assertEquals(
            one.get("router").get(l).get("expert_ids"),
            many.get("router").get(l).get("expert_ids"),
            "" + way);
      }
    }
  }

  @Test
  void theTrainEngineHasNoRanks() {
    Captured run =
        Captured.run(
            "logits",
            Shared.path("golden/tiny-mixtral").toString(),
            "--ids",
            "1",
            "--tp",
            "2",
            "--engine",
            "train");
    assertEquals(2, run.code());
    assertTrue(run.err().contains("leave out --engine train"), run.err());
  }

  /** The whole command line as a user runs it, one of whose ranks is killed in mid-text. */
  @Test
  void aKilledRankEndsTheVerbWithASentence() throws Exception {
    try (OwnProcess verb = startLongText()) {
      ProcessHandle rank = verb.awaitRank();
      // In its steps by now or still placing the model: either way the verb must end.
      TimeUnit.SECONDS.sleep(4);
      assertTrue(verb.process().isAlive(), "the text came to its end before the rank was killed");
      rank.destroyForcibly();
      int code = verb.awaitEnd();
      String said = verb.err();
      assertEquals(1, code, said);
      assertTrue(
          said.contains("graft: rank 1 of 2 was lost: its process was ended by signal 9"), said);
      assertEquals("", verb.out());
    }
  }

  @Test
  void ranksEndWithTheProcessThatStartedThem() throws Exception {
    try (OwnProcess verb = startLongText()) {
      ProcessHandle rank = verb.awaitRank();
      TimeUnit.SECONDS.sleep(4);
      verb.process().destroyForcibly();
      rank.onExit().get(2, TimeUnit.MINUTES);
    }
  }

  private static OwnProcess startLongText() throws IOException {
    return OwnProcess.start(
        "logits",
        OwnProcess.smollm2().toString(),
        "--ids",
        "1,2,3",
        "--greedy",
        "7000",
        "--tp",
        "2",
        "--launch",
        "processes");
  }
}
