package dev.graft.text;

import dev.graft.checkpoint.CheckpointWriter;
import dev.graft.gguf.GgufFile;
import java.io.IOException;
import java.nio.file.Path;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** The tokenizer and chat template that travel with a model, as files of its directory. */
public final class TokenizerFiles {
  private TokenizerFiles() {}

  /**
   * Puts them into a directory that is being written.
   *
   * @param model a Hugging Face directory, or a GGUF file, of whose metadata they are made
   */
  public static void copy(Path model, CheckpointWriter writer) throws IOException {
    if (!GgufFile.is(model)) {
      writer.copyCompanions(model);
      return;
    }
    GgufTokenizer.Contents contents = GgufTokenizer.read(model);
    writer.writeFile("tokenizer.json", JsonMapper.shared().writeValueAsBytes(contents.json()));
    ObjectNode config = JsonMapper.shared().createObjectNode();
    config.put("tokenizer_class", "PreTrainedTokenizerFast");
    contents.specials().forEach(config::put);
    contents.chatTemplate().ifPresent(template -> config.put("chat_template", template));
    writer.writeFile(
        "tokenizer_config.json",
        JsonMapper.shared().writerWithDefaultPrettyPrinter().writeValueAsBytes(config));
  }
}
