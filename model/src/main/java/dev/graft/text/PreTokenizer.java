package dev.graft.text;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * How byte-level BPE cuts a text into words before it merges: the names that GGUF's {@code
 * tokenizer.ggml.pre} gives, and what {@code tokenizer.json} of the models they are from says. The
 * expressions are those models' own.
 */
enum PreTokenizer {
  GPT2("gpt-2", false, false, ""),
  SMOLLM("smollm starcoder refact command-r", false, false, "digits"),
  LLAMA3(
      "llama-bpe llama3 llama-v3 falcon3",
      true,
      false,
      "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"),
  QWEN2(
      "qwen2 deepseek-r1-qwen megrez",
      false,
      true,
      "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"),
  TEKKEN(
      "tekken",
      true,
      false,
      "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+");

  private static final String DIGITS = "digits";

  /** GGUF's names, the one that llama.cpp's converter writes first, with spaces between. */
  private final String names;

  private final boolean ignoreMerges;
  private final boolean composes;
  private final String split;

  /**
   * A way to cut.
   *
   * @param ignoreMerges whether a whole word in the vocabulary is taken as it is
   * @param composes whether the text is brought to Unicode's NFC before
   * @param split the expression whose matches are words; empty for GPT-2's, and DIGITS for each
   *     digit alone and then GPT-2's
   */
  PreTokenizer(String names, boolean ignoreMerges, boolean composes, String split) {
    this.names = names;
    this.ignoreMerges = ignoreMerges;
    this.composes = composes;
    this.split = split;
  }

  private List<String> names() {
    return List.of(names.split(" ", -1));
  }

  static Optional<PreTokenizer> named(String name) {
    return Arrays.stream(values()).filter(p -> p.names().contains(name)).findFirst();
  }

  /** Every name, for errors. */
  static String known() {
    return Arrays.stream(values())
        .flatMap(p -> p.names().stream())
        .collect(Collectors.joining(", "));
  }

  /** The name to write. */
  String ggufName() {
    return names().getFirst();
  }

  boolean ignoreMerges() {
    return ignoreMerges;
  }

  /** What stands under {@code normalizer}. */
  JsonNode normalizer() {
    return composes
        ? JsonMapper.shared().createObjectNode().put("type", "NFC")
        : JsonMapper.shared().nullNode();
  }

  /** What stands under {@code pre_tokenizer}. */
  ObjectNode json() {
    ObjectNode bytes = JsonMapper.shared().createObjectNode();
    bytes.put("type", "ByteLevel");
    bytes.put("add_prefix_space", false);
    bytes.put("trim_offsets", true);
    bytes.put("use_regex", split.isEmpty() || split.equals(DIGITS));
    if (split.isEmpty()) {
      return bytes;
    }
    ObjectNode sequence = JsonMapper.shared().createObjectNode();
    sequence.put("type", "Sequence");
    ArrayNode steps = sequence.putArray("pretokenizers");
    if (split.equals(DIGITS)) {
      steps.addObject().put("type", "Digits").put("individual_digits", true);
    } else {
      ObjectNode words = steps.addObject();
      words.put("type", "Split");
      words.putObject("pattern").put("Regex", split);
      words.put("behavior", "Isolated");
      words.put("invert", false);
    }
    steps.add(bytes);
    return sequence;
  }

  /** The one that a {@code tokenizer.json} describes. */
  static Optional<PreTokenizer> of(JsonNode tokenizer) {
    boolean ignores = tokenizer.path("model").path("ignore_merges").asBoolean(false);
    for (PreTokenizer candidate : values()) {
      if (essence(tokenizer.path("pre_tokenizer")).equals(essence(candidate.json()))
          && ignores == candidate.ignoreMerges
          && normalizes(tokenizer.path("normalizer")) == candidate.composes
          && (tokenizer.path("normalizer").isNull()
              || tokenizer.path("normalizer").isMissingNode()
              || candidate.composes)) {
        return Optional.of(candidate);
      }
    }
    return Optional.empty();
  }

  private static boolean normalizes(JsonNode normalizer) {
    return normalizer.path("type").asString("").equals("NFC");
  }

  /** The steps, without what does not change the words, such as offsets. */
  private static JsonNode essence(JsonNode json) {
    ArrayNode steps = JsonMapper.shared().createArrayNode();
    if (json.path("type").asString("").equals("Sequence")) {
      json.path("pretokenizers").forEach(steps::add);
    } else {
      steps.add(json);
    }
    ArrayNode essential = JsonMapper.shared().createArrayNode();
    for (JsonNode step : steps) {
      JsonNode copy = step.deepCopy();
      if (copy instanceof ObjectNode object && step.path("type").asString("").equals("ByteLevel")) {
        object.remove("trim_offsets");
        if (!object.has("use_regex")) {
          object.put("use_regex", true);
        }
      }
      essential.add(copy);
    }
    return essential;
  }
}
