package dev.graft.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** {@code graft inspect --tp}. */
class InspectLayoutTest {
  /** arXiv 2406.06563, table 1. */
  private static final String SKYWORK_MOE =
      """
      {"architectures": ["SkyworkForCausalLM"], "vocab_size": 65536, "hidden_size": 4608,
       "intermediate_size": 12288, "num_hidden_layers": 52, "num_attention_heads": 36,
       "num_key_value_heads": 36, "num_experts": [16], "num_experts_per_tok": 2,
       "moe_use_logits_norm": true, "moe_gate_norm_std": 1.0, "moe_feature_no_mul_topk": true,
       "max_position_embeddings": 8192}
      """;

  @TempDir private Path folder;

  private Path skyworkMoe() throws IOException {
    Files.writeString(folder.resolve("config.json"), SKYWORK_MOE);
    return folder;
  }

  private static JsonNode json(String... args) {
    Captured run = Captured.run(args);
    assertEquals(0, run.code(), run.err());
    return JsonMapper.shared().readTree(run.out());
  }

  @Test
  void skyworkMoeInFp8FitsEightCardsOf24Gigabytes() throws IOException {
    String[] question = {
      "inspect", skyworkMoe().toString(), "--tp", "8", "--memory", "24GB", "--weights", "fp8"
    };
    Captured run = Captured.run(question);
    assertEquals(0, run.code(), run.err());
    String answer = run.out().lines().reduce((a, b) -> b).orElseThrow();
    assertTrue(
        answer.startsWith("It fits 8 x 24.00 GB: rank 0, the fullest, holds 18.44 GB"), answer);
    assertEquals(1, run.out().lines().filter(line -> line.contains("147.0 GB")).count(), run.out());

    List<String> asked = new ArrayList<>(List.of(question));
    asked.add("--json");
    JsonNode facts = json(asked.toArray(String[]::new));
    assertTrue(facts.get("fits").booleanValue());
    assertEquals(answer, facts.get("answer").stringValue());
    List<Integer> heads = new ArrayList<>();
    long bytes = 0;
    for (JsonNode rank : facts.get("ranks")) {
      JsonNode range = rank.get("attention_heads");
      heads.add(range.get(1).intValue() - range.get(0).intValue());
      bytes += rank.get("bytes").get("total").longValue();
      long room = 24_000_000_000L - 350_000_000 - rank.get("bytes").get("total").longValue();
      assertEquals(
          room / rank.get("kv_bytes_per_token").longValue(), rank.get("kv_tokens").longValue());
    }
    assertEquals(List.of(5, 5, 5, 5, 4, 4, 4, 4), heads);
    // 52 layers x 5 heads x 128 x (key and value) x 4 bytes
    assertEquals(266_240, facts.get("ranks").get(0).get("kv_bytes_per_token").longValue());
    // One byte per projection, two for the rest; norms and routers on each of the eight ranks, and
    // a scale of four bytes per tensor and rank.
    long projections = 52L * (4 * 4608 * 4608 + 16L * 3 * 4608 * 12288);
    long vocabulary = 2L * 65536 * 4608;
    long replicated = 52L * (16 * 4608 + 2 * 4608) + 4608;
    long scales = 52L * (4 + 16 * 3);
    assertEquals(projections + 2 * vocabulary + 8 * (2 * replicated + 4 * scales), bytes);
    JsonNode last = facts.get("ranks").get(7).get("bytes");
    assertEquals(2 * replicated, last.get("replicated").longValue());
    assertEquals(2 * vocabulary / 8, last.get("vocabulary").longValue());
    assertEquals(52L * 4 * 4608 * 4 * 128 + 52 * 16, last.get("attention").longValue());
  }

  @Test
  void whatDoesNotFitSaysHowManyRanksWould() throws IOException {
    JsonNode facts =
        json(
            "inspect",
            skyworkMoe().toString(),
            "--tp",
            "8",
            "--memory",
            "24GB",
            "--weights",
            "bf16",
            "--json");
    assertFalse(facts.get("fits").booleanValue());
    String answer = facts.get("answer").stringValue();
    assertTrue(answer.startsWith("It does not fit 8 x 24.00 GB: rank 0 needs 37.07 GB"), answer);
    assertTrue(answer.endsWith("the least that fits, with equal shares, is --tp 13."), answer);
    assertTrue(
        json(
                "inspect",
                folder.toString(),
                "--tp",
                "13",
                "--memory",
                "24GB",
                "--weights",
                "bf16",
                "--json")
            .get("fits")
            .booleanValue());
    assertFalse(
        json(
                "inspect",
                folder.toString(),
                "--tp",
                "12",
                "--memory",
                "24GB",
                "--weights",
                "bf16",
                "--json")
            .get("fits")
            .booleanValue());
  }

  @Test
  void unequalRanksOfUnequalMemory() throws IOException {
    JsonNode facts =
        json(
            "inspect",
            skyworkMoe().toString(),
            "--shares",
            "3,1",
            "--memory",
            "120GB,48GB",
            "--weights",
            "fp8",
            "--kv-cache-dtype",
            "bf16",
            "--json");
    assertTrue(facts.get("fits").booleanValue());
    assertEquals("[0,27]", facts.get("ranks").get(0).get("attention_heads").toString());
    assertEquals("[9216,12288]", facts.get("ranks").get(1).get("intermediate_columns").toString());
    assertEquals(48_000_000_000L, facts.get("ranks").get(1).get("memory").longValue());
  }

  /**
   * One rank holds the file: its bytes are those behind the header, dynamic FP8 scales included.
   */
  @Test
  void oneRankHoldsAllThatIsStored() throws IOException {
    for (String name : List.of("tiny-mixtral", "tiny-skywork-moe", "tiny-skywork-moe-fp8")) {
      Path model = Shared.path("golden/" + name);
      JsonNode facts = json("inspect", model.toString(), "--tp", "1", "--json");
      assertEquals("as stored", facts.get("weights").stringValue());
      assertEquals(
          dataBytes(model.resolve("model.safetensors")),
          facts.get("ranks").get(0).get("bytes").get("total").longValue(),
          name);
    }
  }

  private static long dataBytes(Path file) throws IOException {
    try (FileChannel channel = FileChannel.open(file)) {
      ByteBuffer header = ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN);
      channel.read(header);
      return channel.size() - 8 - header.getLong(0);
    }
  }

  @Test
  void wrongQuestionsAreAnsweredWithARemedy() throws IOException {
    String model = skyworkMoe().toString();
    refused(
        "--tp 37 is more ranks than the 36 query heads", model, "--tp", "37", "--weights", "fp8");
    refused("--shares 5,0 has the share 0", model, "--shares", "5,0", "--weights", "fp8");
    refused(
        "--shares 5,3 names 2 ranks, but --tp is 3",
        model,
        "--tp",
        "3",
        "--shares",
        "5,3",
        "--weights",
        "fp8");
    refused("say how to count them with --weights fp8", model, "--tp", "2");
    refused("--memory says nothing without --tp", model, "--memory", "24GB");
    refused(
        "--memory is '24 parsecs'",
        model,
        "--tp",
        "2",
        "--weights",
        "fp8",
        "--memory",
        "24 parsecs");
    refused(
        "--memory 1GB,2GB names 2 sizes for 3 ranks",
        model,
        "--tp",
        "3",
        "--weights",
        "fp8",
        "--memory",
        "1GB,2GB");
    refused("fp4", model, "--tp", "3", "--weights", "fp4");
  }

  private static void refused(String sentence, String... options) {
    List<String> args = new ArrayList<>(List.of("inspect"));
    args.addAll(List.of(options));
    Captured run = Captured.run(args.toArray(String[]::new));
    assertEquals(2, run.code(), run.err());
    assertEquals("", run.out());
    assertTrue(run.err().contains(sentence), run.err());
    assertEquals(1, run.err().lines().count(), run.err());
  }

  @Test
  void sizesAreReadAndPrinted() {
    assertEquals(24_000_000_000L, ByteSize.parse("--memory", "24GB"));
    assertEquals(24L << 30, ByteSize.parse("--memory", "24 GiB"));
    assertEquals(1_500_000, ByteSize.parse("--memory", "1.5mb"));
    assertEquals(17, ByteSize.parse("--memory", "17"));
    assertEquals("999 B", ByteSize.print(999));
    assertEquals("1.00 kB", ByteSize.print(1000));
    assertEquals("1.00 MB", ByteSize.print(999_999));
    assertEquals("146.0 GB", ByteSize.print(146_000_000_000L));
  }
}
