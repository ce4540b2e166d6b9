package dev.graft.text;

import dev.graft.checkpoint.InvalidInputException;
import dev.graft.gguf.GgufFile;
import dev.graft.gguf.GgufFormatException;
import dev.graft.gguf.GgufMetadata;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** The vocabulary of a GGUF file as the {@code tokenizer.json} that it came from. */
final class GgufTokenizer {
  static final int NORMAL = 1;
  static final int UNKNOWN = 2;
  static final int CONTROL = 3;
  static final int USER_DEFINED = 4;
  static final int UNUSED = 5;
  static final int BYTE = 6;

  private static final String KEY = "tokenizer.ggml.";
  private static final JsonMapper JSON = JsonMapper.shared();

  private final Path file;
  private final GgufMetadata metadata;
  private final String model;
  private final List<String> tokens;
  private final List<Long> types;

  private GgufTokenizer(GgufFile gguf) {
    this.file = gguf.path();
    this.metadata = gguf.metadata();
    this.model = metadata.require(KEY + "model", metadata::text);
    if (!List.of("gpt2", "llama").contains(model)) {
      throw new InvalidInputException(
          file
              + ": "
              + KEY
              + "model is '"
              + model
              + "'; the vocabularies gpt2 (byte-level BPE) and llama (SentencePiece BPE) are read");
    }
    this.tokens = metadata.require(KEY + "tokens", metadata::texts);
    this.types =
        metadata
            .wholes(KEY + "token_type")
            .orElseGet(() -> java.util.Collections.nCopies(tokens.size(), (long) NORMAL));
    if (types.size() != tokens.size()) {
      throw new InvalidInputException(
          file
              + ": "
              + KEY
              + "token_type has "
              + types.size()
              + " entries for "
              + tokens.size()
              + " tokens; fetch or export the file again");
    }
  }

  /**
   * What a file says of its tokenizer.
   *
   * @param json a {@code tokenizer.json}
   * @param specials text of the special tokens, by their names in {@code tokenizer_config.json}
   * @param chatTemplate the template's source, if there is one
   */
  record Contents(
      ObjectNode json,
      OptionalInt bosId,
      OptionalInt eosId,
      Map<String, String> specials,
      Optional<String> chatTemplate) {}

  /**
   * Reads the vocabulary.
   *
   * @throws InvalidInputException if there is none, or one of a kind that is not read
   */
  static Contents read(Path path) throws IOException {
    try (Arena arena = Arena.ofConfined()) {
      return new GgufTokenizer(GgufFile.open(path, arena)).contents();
    } catch (GgufFormatException e) {
      throw new InvalidInputException(e.getMessage(), e);
    }
  }

  private Contents contents() {
    ObjectNode json = model.equals("gpt2") ? byteLevel() : sentencePiece();
    Map<String, String> specials = new LinkedHashMap<>();
    Map.of("bos", "bos", "eos", "eos", "unknown", "unk", "padding", "pad", "seperator", "sep")
        .forEach(
            (key, name) -> id(key).ifPresent(id -> specials.put(name + "_token", tokens.get(id))));
    return new Contents(
        json, id("bos"), id("eos"), specials, metadata.text("tokenizer.chat_template"));
  }

  private OptionalInt id(String which) {
    Optional<Long> id = metadata.whole(KEY + which + "_token_id");
    if (id.isEmpty()) {
      return OptionalInt.empty();
    }
    if (id.get() < 0 || id.get() >= tokens.size()) {
      throw new InvalidInputException(
          file
              + ": "
              + KEY
              + which
              + "_token_id is "
              + id.get()
              + ", but there are "
              + tokens.size()
              + " tokens; fetch or export the file again");
    }
    return OptionalInt.of(id.get().intValue());
  }

  private ObjectNode byteLevel() {
    String name = metadata.require(KEY + "pre", metadata::text);
    PreTokenizer pre =
        PreTokenizer.named(name)
            .orElseThrow(() ->
                new InvalidInputException(
                    file
                        + ": "
                        + KEY
                        + "pre is '"
                        + name
                        + "', a pre-tokenizer that Graft does not know; it knows "
                        + PreTokenizer.known()));
    ObjectNode json = frame(pre == PreTokenizer.LLAMA3 || pre == PreTokenizer.TEKKEN);
    json.set("normalizer", pre.normalizer());
    json.set("pre_tokenizer", pre.json());
    json.putObject("decoder")
        .put("type", "ByteLevel")
        .put("add_prefix_space", true)
        .put("trim_offsets", true)
        .put("use_regex", true);
    ObjectNode bpe = model(json);
    bpe.putNull("unk_token");
    bpe.put("fuse_unk", false);
    bpe.put("byte_fallback", false);
    bpe.put("ignore_merges", pre.ignoreMerges());
    ArrayNode merges = bpe.putArray("merges");
    metadata.require(KEY + "merges", metadata::texts).forEach(merge -> merges.add(pair(merge)));
    return json;
  }

  private ObjectNode sentencePiece() {
    ObjectNode json = frame(true);
    boolean prefix = metadata.flag(KEY + "add_space_prefix").orElse(true);
    ObjectNode normalizer = json.putObject("normalizer").put("type", "Sequence");
    ArrayNode steps = normalizer.putArray("normalizers");
    if (prefix) {
      steps.addObject().put("type", "Prepend").put("prepend", "▁");
    }
    ObjectNode spaces = steps.addObject().put("type", "Replace");
    spaces.putObject("pattern").put("String", " ");
    spaces.put("content", "▁");
    json.putNull("pre_tokenizer");
    ArrayNode decoders = json.putObject("decoder").put("type", "Sequence").putArray("decoders");
    ObjectNode back = decoders.addObject().put("type", "Replace");
    back.putObject("pattern").put("String", "▁");
    back.put("content", " ");
    decoders.addObject().put("type", "ByteFallback");
    decoders.addObject().put("type", "Fuse");
    if (prefix) {
      decoders.addObject().put("type", "Strip").put("content", " ").put("start", 1).put("stop", 0);
    }
    ObjectNode bpe = model(json);
    OptionalInt unknown = id("unknown");
    int first = types.indexOf((long) UNKNOWN);
    if (unknown.isPresent() || first >= 0) {
      bpe.put("unk_token", tokens.get(unknown.orElse(first)));
    } else {
      bpe.putNull("unk_token");
    }
    bpe.put("fuse_unk", true);
    bpe.put("byte_fallback", true);
    bpe.put("ignore_merges", false);
    ArrayNode merges = bpe.putArray("merges");
    Optional<List<String>> listed = metadata.texts(KEY + "merges");
    if (listed.isPresent()) {
      listed.get().forEach(merge -> merges.add(pair(merge)));
    } else {
      scored(merges);
    }
    return json;
  }

  /** A file of no vocabulary, no merges: what both kinds have. */
  private ObjectNode frame(boolean bosByDefault) {
    ObjectNode json = JSON.createObjectNode();
    json.put("version", "1.0");
    json.putNull("truncation");
    json.putNull("padding");
    ArrayNode added = json.putArray("added_tokens");
    for (int id = 0; id < tokens.size(); id++) {
      int type = types.get(id).intValue();
      if (type == CONTROL || type == USER_DEFINED || type == UNKNOWN) {
        added
            .addObject()
            .put("id", id)
            .put("content", tokens.get(id))
            .put("single_word", false)
            .put("lstrip", false)
            .put("rstrip", false)
            .put("normalized", false)
            .put("special", type != USER_DEFINED);
      }
    }
    OptionalInt before =
        metadata.flag(KEY + "add_bos_token").orElse(bosByDefault) ? id("bos") : OptionalInt.empty();
    OptionalInt after =
        metadata.flag(KEY + "add_eos_token").orElse(false) ? id("eos") : OptionalInt.empty();
    if (before.isEmpty() && after.isEmpty()) {
      json.putNull("post_processor");
      return json;
    }
    ObjectNode template = json.putObject("post_processor").put("type", "TemplateProcessing");
    sequence(template.putArray("single"), before, after, "A");
    ArrayNode pair = template.putArray("pair");
    sequence(pair, before, after, "A");
    sequence(pair, before, after, "B");
    ObjectNode used = template.putObject("special_tokens");
    before.ifPresent(id -> used(used, id));
    after.ifPresent(id -> used(used, id));
    return json;
  }

  private void sequence(ArrayNode into, OptionalInt before, OptionalInt after, String which) {
    before.ifPresent(id -> special(into, id));
    into.addObject().putObject("Sequence").put("id", which).put("type_id", 0);
    after.ifPresent(id -> special(into, id));
  }

  private void special(ArrayNode into, int id) {
    into.addObject().putObject("SpecialToken").put("id", tokens.get(id)).put("type_id", 0);
  }

  private void used(ObjectNode into, int id) {
    ObjectNode token = into.putObject(tokens.get(id)).put("id", tokens.get(id));
    token.putArray("ids").add(id);
    token.putArray("tokens").add(tokens.get(id));
  }

  private ObjectNode model(ObjectNode json) {
    ObjectNode bpe = json.putObject("model");
    bpe.put("type", "BPE");
    bpe.putNull("dropout");
    bpe.putNull("continuing_subword_prefix");
    bpe.putNull("end_of_word_suffix");
    ObjectNode vocabulary = bpe.putObject("vocab");
    for (int id = 0; id < tokens.size(); id++) {
      // What fills the vocabulary up to the embedding's rows is in no tokenizer.json.
      if (types.get(id) != UNUSED || !tokens.get(id).equals("[PAD" + id + "]")) {
        vocabulary.put(tokens.get(id), id);
      }
    }
    return bpe;
  }

  private ArrayNode pair(String merge) {
    int space = merge.indexOf(' ', 1);
    if (space < 0) {
      throw new InvalidInputException(
          file
              + ": "
              + KEY
              + "merges holds '"
              + merge
              + "', which is no pair; fetch or export the file again");
    }
    return JSON.createArrayNode().add(merge.substring(0, space)).add(merge.substring(space + 1));
  }

  private record Merge(String left, String right, float score, int leftId, int rightId) {}

  /**
   * SentencePiece merges the pair whose whole scores best, so every cut of a token is a merge; in
   * the order in which transformers' SentencePieceExtractor lists them.
   */
  private void scored(ArrayNode into) {
    List<Float> scores = metadata.require(KEY + "scores", metadata::reals);
    Map<String, Integer> ids = new HashMap<>();
    for (int id = 0; id < tokens.size(); id++) {
      ids.put(tokens.get(id), id);
    }
    List<Merge> merges = new ArrayList<>();
    for (int id = 0; id < Math.min(tokens.size(), scores.size()); id++) {
      if (types.get(id) != NORMAL) {
        continue;
      }
      String token = tokens.get(id);
      for (int cut = 1; cut < token.length(); cut++) {
        String left = token.substring(0, cut);
        String right = token.substring(cut);
        if (ids.containsKey(left) && ids.containsKey(right)) {
          merges.add(new Merge(left, right, scores.get(id), ids.get(left), ids.get(right)));
        }
      }
    }
    merges.sort(
        Comparator.comparingDouble((Merge m) -> -m.score())
            .thenComparingInt(m -> -m.left().codePointCount(0, m.left().length()))
            .thenComparingInt(Merge::leftId)
            .thenComparingInt(Merge::rightId));
    merges.forEach(m -> into.add(JSON.createArrayNode().add(m.left()).add(m.right())));
  }
}
