package dev.graft.demo;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * The lexicon as a Hugging Face tokenizer: a {@code WordLevel} model behind a split that leaves the
 * space with its word, so that decoding is plain concatenation and loses nothing.
 */
final class LexiconTokenizer {
  private LexiconTokenizer() {}

  /** Writes {@code tokenizer.json} and {@code tokenizer_config.json}. */
  static void write(Lexicon lexicon, Path directory) throws IOException {
    Files.createDirectories(directory);
    writeJson(directory.resolve("tokenizer.json"), tokenizer(lexicon));
    ObjectNode config = JsonMapper.shared().createObjectNode();
    config.put("tokenizer_class", "PreTrainedTokenizerFast");
    config.put("eos_token", "</s>");
    config.put("unk_token", "<unk>");
    config.put("add_bos_token", false);
    config.put("add_eos_token", false);
    config.put("clean_up_tokenization_spaces", false);
    writeJson(directory.resolve("tokenizer_config.json"), config);
  }

  private static ObjectNode tokenizer(Lexicon lexicon) {
    List<String> pieces = lexicon.pieces();
    ObjectNode json = JsonMapper.shared().createObjectNode();
    json.put("version", "1.0");
    json.putNull("truncation");
    json.putNull("padding");
    ArrayNode added = json.putArray("added_tokens");
    for (int id : new int[] {Lexicon.UNKNOWN, Lexicon.END_OF_TEXT}) {
      ObjectNode token = added.addObject();
      token.put("id", id);
      token.put("content", pieces.get(id));
      token.put("single_word", false);
      token.put("lstrip", false);
      token.put("rstrip", false);
      token.put("normalized", false);
      token.put("special", true);
    }
    json.putNull("normalizer");
    ObjectNode split = json.putObject("pre_tokenizer");
    split.put("type", "Split");
    split.putObject("pattern").put("Regex", "\\.\\n| ?[A-Za-z]+");
    split.put("behavior", "Isolated");
    split.put("invert", false);
    json.putNull("post_processor");
    json.putObject("decoder").put("type", "Fuse");
    ObjectNode model = json.putObject("model");
    model.put("type", "WordLevel");
    ObjectNode vocab = model.putObject("vocab");
    for (int id = 0; id < pieces.size(); id++) {
      vocab.put(pieces.get(id), id);
    }
    model.put("unk_token", pieces.get(Lexicon.UNKNOWN));
    return json;
  }

  private static void writeJson(Path file, ObjectNode json) throws IOException {
    Files.writeString(
        file, JsonMapper.shared().writerWithDefaultPrettyPrinter().writeValueAsString(json) + "\n");
  }
}
