package dev.graft.text;

import dev.graft.checkpoint.InvalidInputException;
import dev.graft.gguf.GgufFile;
import dev.graft.gguf.GgufValue;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.regex.Pattern;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * The tokenizer and the chat template of a model as GGUF metadata, as llama.cpp's own converter
 * writes them.
 */
public final class GgufVocabulary {
  private static final String KEY = "tokenizer.ggml.";
  private static final Pattern BYTE = Pattern.compile("<0x[0-9A-F]{2}>");

  /** Of tokens that no merge makes; below every merge. */
  private static final float UNMERGED = -1e9f;

  private final Path directory;
  private final Path file;
  private final JsonNode json;
  private final String[] tokens;
  private final long[] types;

  private GgufVocabulary(Path directory, int size) throws IOException {
    this.directory = directory;
    this.file = directory.resolve("tokenizer.json");
    this.json = read(file);
    this.tokens = new String[size];
    this.types = new long[size];
    if (!json.path("model").path("type").asString("").equals("BPE")) {
      throw new InvalidInputException(
          file
              + ": the model is "
              + json.path("model").path("type").asString("of no type")
              + "; BPE vocabularies are exported");
    }
    for (Map.Entry<String, JsonNode> entry : json.path("model").path("vocab").properties()) {
      boolean unknown = entry.getKey().equals(json.path("model").path("unk_token").asString(""));
      boolean aByte = sentencePiece() && BYTE.matcher(entry.getKey()).matches();
      put(
          entry.getValue().asInt(-1),
          entry.getKey(),
          unknown ? GgufTokenizer.UNKNOWN : aByte ? GgufTokenizer.BYTE : GgufTokenizer.NORMAL);
    }
    for (JsonNode added : json.path("added_tokens")) {
      int id = added.path("id").asInt(-1);
      boolean unknown = id >= 0 && id < size && types[id] == GgufTokenizer.UNKNOWN;
      put(
          id,
          added.path("content").asString(""),
          unknown
              ? GgufTokenizer.UNKNOWN
              : added.path("special").asBoolean(false)
                  ? GgufTokenizer.CONTROL
                  : GgufTokenizer.USER_DEFINED);
    }
    for (int id = 0; id < size; id++) {
      if (types[id] == 0) {
        put(id, "[PAD" + id + "]", GgufTokenizer.UNUSED);
      }
    }
  }

  /**
   * The keys {@code tokenizer.*} of a model; of a directory without {@code tokenizer.json}, those
   * of a model without a vocabulary.
   *
   * @param model a Hugging Face directory, or a GGUF file whose keys are taken as they are
   * @param size rows of the embedding; ids beyond the tokenizer's are filled with unused tokens
   * @throws InvalidInputException if llama.cpp has no name for this kind of tokenizer
   */
  public static Map<String, GgufValue> metadata(Path model, int size) throws IOException {
    if (GgufFile.is(model)) {
      try (Arena arena = Arena.ofConfined()) {
        Map<String, GgufValue> copied = new LinkedHashMap<>();
        GgufFile.open(model, arena)
            .metadata()
            .values()
            .forEach((key, value) -> {
              if (key.startsWith("tokenizer.")) {
                copied.put(key, value);
              }
            });
        return copied;
      }
    }
    if (!Files.isRegularFile(model.resolve("tokenizer.json"))) {
      return Map.of(KEY + "model", new GgufValue.Text("no_vocab"));
    }
    return new GgufVocabulary(model, size).metadata();
  }

  private Map<String, GgufValue> metadata() throws IOException {
    Map<String, GgufValue> metadata = new LinkedHashMap<>();
    List<String> merges = merges();
    if (sentencePiece()) {
      metadata.put(KEY + "model", new GgufValue.Text("llama"));
      metadata.put(KEY + "pre", new GgufValue.Text("default"));
      metadata.put(KEY + "add_space_prefix", new GgufValue.Flag(spacePrefix()));
      metadata.put(KEY + "scores", new GgufValue.Reals(scores(merges)));
    } else {
      PreTokenizer pre =
          PreTokenizer.of(json)
              .orElseThrow(() ->
                  new InvalidInputException(
                      file
                          + ": normalizer, pre_tokenizer and ignore_merges together are those of no"
                          + " tokenizer that Graft can name to llama.cpp; it can name "
                          + PreTokenizer.known()));
      metadata.put(KEY + "model", new GgufValue.Text("gpt2"));
      metadata.put(KEY + "pre", new GgufValue.Text(pre.ggufName()));
    }
    metadata.put(KEY + "tokens", new GgufValue.Texts(List.of(tokens)));
    metadata.put(KEY + "token_type", new GgufValue.Wholes(Arrays.stream(types).boxed().toList()));
    metadata.put(KEY + "merges", new GgufValue.Texts(merges));
    special(metadata, "bos_token", "bos");
    special(metadata, "eos_token", "eos");
    special(metadata, "unk_token", "unknown");
    special(metadata, "pad_token", "padding");
    metadata.put(KEY + "add_bos_token", new GgufValue.Flag(surrounds("bos_token", true)));
    metadata.put(KEY + "add_eos_token", new GgufValue.Flag(surrounds("eos_token", false)));
    ChatTemplate.find(directory)
        .ifPresent(template ->
            metadata.put("tokenizer.chat_template", new GgufValue.Text(template.text())));
    return metadata;
  }

  private void put(int id, String token, int type) {
    if (id < 0 || id >= tokens.length) {
      throw new InvalidInputException(
          file
              + ": token '"
              + token
              + "' has the id "
              + id
              + ", but the model's vocab_size is "
              + tokens.length
              + "; take the tokenizer that belongs to the model");
    }
    tokens[id] = token;
    types[id] = type;
  }

  private boolean sentencePiece() {
    return json.path("model").path("byte_fallback").asBoolean(false);
  }

  /** Whether ▁ is put before a text; what else the normaliser may do is refused. */
  private boolean spacePrefix() {
    List<JsonNode> steps = new ArrayList<>();
    for (String part : new String[] {"normalizer", "pre_tokenizer"}) {
      JsonNode node = json.path(part);
      if (node.path("type").asString("").equals("Sequence")) {
        node.path("normalizers").forEach(steps::add);
        node.path("pretokenizers").forEach(steps::add);
      } else if (node.isObject()) {
        steps.add(node);
      }
    }
    boolean prefix = false;
    boolean spaces = false;
    for (JsonNode step : steps) {
      switch (step.path("type").asString("")) {
        case "Prepend" -> prefix = true;
        case "Replace" -> spaces = true;
        case "Metaspace" -> {
          spaces = true;
          prefix = !step.path("prepend_scheme").asString("always").equals("never");
        }
        default ->
            throw new InvalidInputException(
                file
                    + ": the step "
                    + step.path("type").asString("without a type")
                    + " before the merges is none that llama.cpp's SentencePiece has");
      }
    }
    if (!spaces) {
      throw new InvalidInputException(
          file + ": spaces do not become ▁, as they do in llama.cpp's SentencePiece");
    }
    return prefix;
  }

  private List<String> merges() {
    List<String> merges = new ArrayList<>();
    for (JsonNode merge : json.path("model").path("merges")) {
      merges.add(
          merge.isArray()
              ? merge.path(0).asString() + " " + merge.path(1).asString()
              : merge.asString());
    }
    return merges;
  }

  /** llama.cpp merges the pair whose whole scores best: minus the rank of the first merge to it. */
  private List<Float> scores(List<String> merges) {
    Map<String, Integer> ranks = new HashMap<>();
    for (int rank = 0; rank < merges.size(); rank++) {
      ranks.putIfAbsent(merges.get(rank).replaceFirst(" ", ""), rank);
    }
    return Arrays.stream(tokens)
        .map(token -> ranks.containsKey(token) ? -(float) ranks.get(token) : UNMERGED)
        .toList();
  }

  private void special(Map<String, GgufValue> metadata, String name, String key)
      throws IOException {
    OptionalInt id = Tokenizer.special(directory, json, name);
    if (id.isPresent() && id.getAsInt() >= 0 && id.getAsInt() < tokens.length) {
      metadata.put(KEY + key + "_token_id", new GgufValue.Whole(id.getAsInt()));
    }
  }

  /** Whether the post-processor puts a special token before (or after) a text. */
  private boolean surrounds(String name, boolean before) throws IOException {
    OptionalInt id = Tokenizer.special(directory, json, name);
    List<JsonNode> processors = new ArrayList<>();
    JsonNode post = json.path("post_processor");
    if (post.path("processors").isArray()) {
      post.path("processors").forEach(processors::add);
    } else {
      processors.add(post);
    }
    for (JsonNode processor : processors) {
      JsonNode single = processor.path("single");
      if (id.isPresent() && single.isArray() && !single.isEmpty()) {
        JsonNode edge = single.path(before ? 0 : single.size() - 1);
        String token = edge.path("SpecialToken").path("id").asString("");
        return token.equals(tokens[id.getAsInt()]);
      }
    }
    return false;
  }

  private static JsonNode read(Path file) throws IOException {
    try {
      return JsonMapper.shared().readTree(Files.readString(file));
    } catch (JacksonException e) {
      throw new InvalidInputException(file + ": this is not JSON; fetch the file again", e);
    }
  }
}
