package dev.graft.text;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import tools.jackson.databind.json.JsonMapper;

/** A tokenizer directory whose tokens are the bytes, and ChatML's two marks. */
final class TinyTokenizer {
  /** One more than the largest byte. */
  static final int START = 256;

  static final int END = 257;
  static final int VOCAB = 258;

  static final String CHATML =
      "{% for message in messages %}{{ '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}{% endfor %}"
          + "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

  private TinyTokenizer() {}

  /**
   * Writes the directory.
   *
   * @param bos whether the tokenizer's post-processor puts {@link #START} before a text
   */
  static Path write(Path directory, boolean bos) throws IOException {
    Map<String, Integer> vocab = new TreeMap<>();
    int beyond = 256;
    for (int b = 0; b < 256; b++) {
      // GPT-2 writes each byte as a character that shows.
      boolean shows = (b >= '!' && b <= '~') || (b >= 0xA1 && b != 0xAD);
      vocab.put(Character.toString(shows ? b : beyond++), b);
    }
    Map<String, Object> json =
        new TreeMap<>(
            Map.of(
                "version",
                "1.0",
                "added_tokens",
                List.of(special(START, "<|im_start|>"), special(END, "<|im_end|>")),
                "pre_tokenizer",
                Map.of(
                    "type",
                    "ByteLevel",
                    "add_prefix_space",
                    false,
                    "trim_offsets",
                    true,
                    "use_regex",
                    true),
                "decoder",
                Map.of(
                    "type",
                    "ByteLevel",
                    "add_prefix_space",
                    true,
                    "trim_offsets",
                    true,
                    "use_regex",
                    true),
                "model",
                Map.of("type", "BPE", "vocab", vocab, "merges", List.of())));
    if (bos) {
      json.put(
          "post_processor",
          Map.of(
              "type",
              "TemplateProcessing",
              "single",
              List.of(
                  Map.of("SpecialToken", Map.of("id", "<|im_start|>", "type_id", 0)),
                  Map.of("Sequence", Map.of("id", "A", "type_id", 0))),
              "pair",
              List.of(
                  Map.of("Sequence", Map.of("id", "A", "type_id", 0)),
                  Map.of("Sequence", Map.of("id", "B", "type_id", 1))),
              "special_tokens",
              Map.of(
                  "<|im_start|>",
                  Map.of(
                      "id",
                      "<|im_start|>",
                      "ids",
                      List.of(START),
                      "tokens",
                      List.of("<|im_start|>")))));
    }
    Files.createDirectories(directory);
    Files.writeString(
        directory.resolve("tokenizer.json"), JsonMapper.shared().writeValueAsString(json));
    Files.writeString(
        directory.resolve("tokenizer_config.json"),
        "{\"bos_token\": \"<|im_start|>\", \"eos_token\": {\"content\": \"<|im_end|>\"}}");
    return directory;
  }

  /** As {@link #write}, with a chat template. */
  static Path withTemplate(Path directory, String template) throws IOException {
    write(directory, false);
    Files.writeString(directory.resolve("chat_template.jinja"), template);
    return directory;
  }

  private static Map<String, Object> special(int id, String content) {
    return Map.of(
        "id",
        id,
        "content",
        content,
        "single_word",
        false,
        "lstrip",
        false,
        "rstrip",
        false,
        "normalized",
        false,
        "special",
        true);
  }
}
