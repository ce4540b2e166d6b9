package dev.graft.text;

import dev.graft.checkpoint.InvalidInputException;
import dev.graft.gguf.GgufFile;
import dev.graft.template.Template;
import dev.graft.template.TemplateException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.ZoneId;
import java.time.ZonedDateTime;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * A model's chat template, rendered as transformers' {@code apply_chat_template} does. Safe to use
 * from several threads.
 */
public final class ChatTemplate {
  private static final List<String> SPECIALS =
      List.of(
          "bos_token",
          "eos_token",
          "unk_token",
          "sep_token",
          "pad_token",
          "cls_token",
          "mask_token");

  private final Path source;
  private final String text;
  private final Template template;
  private final Map<String, String> specials;

  private ChatTemplate(Path source, String template, Map<String, String> specials) {
    this.source = source;
    this.text = template;
    this.specials = specials;
    try {
      this.template = Template.parse(template);
    } catch (TemplateException e) {
      throw new InvalidInputException(
          source + ": the chat template cannot be read: " + e.getMessage(), e);
    }
  }

  /**
   * Reads {@code chat_template.jinja} or the {@code chat_template} of {@code
   * tokenizer_config.json}; of a GGUF file, {@code tokenizer.chat_template}.
   *
   * @throws InvalidInputException if there is none, or the configuration is not JSON
   */
  public static ChatTemplate open(Path directory) throws IOException {
    return find(directory)
        .orElseThrow(() ->
            new InvalidInputException(
                directory
                    + ": there is no chat_template.jinja and no chat_template in tokenizer_config.json; messages need one"));
  }

  /**
   * As {@link #open}, but empty where the directory has none.
   *
   * @throws InvalidInputException if the configuration is not JSON
   */
  public static Optional<ChatTemplate> find(Path directory) throws IOException {
    if (GgufFile.is(directory)) {
      GgufTokenizer.Contents contents = GgufTokenizer.read(directory);
      return contents
          .chatTemplate()
          .map(template -> new ChatTemplate(directory, template, contents.specials()));
    }
    Path config = directory.resolve("tokenizer_config.json");
    JsonNode json = JsonMapper.shared().createObjectNode();
    if (Files.isRegularFile(config)) {
      try {
        json = JsonMapper.shared().readTree(Files.readString(config));
      } catch (JacksonException e) {
        throw new InvalidInputException(config + ": this is not JSON; fetch the file again", e);
      }
    }
    Map<String, String> specials = new LinkedHashMap<>();
    for (String key : SPECIALS) {
      JsonNode token = json.path(key);
      String text = token.isObject() ? token.path("content").asString("") : token.asString("");
      if (!text.isEmpty()) {
        specials.put(key, text);
      }
    }
    Path file = directory.resolve("chat_template.jinja");
    if (Files.isRegularFile(file)) {
      return Optional.of(new ChatTemplate(file, Files.readString(file), specials));
    }
    JsonNode template = json.path("chat_template");
    if (template.isArray()) {
      for (JsonNode named : template) {
        if (named.path("name").asString("").equals("default")) {
          template = named.path("template");
          break;
        }
      }
    }
    return template.isString()
        ? Optional.of(new ChatTemplate(config, template.asString(), specials))
        : Optional.empty();
  }

  /** The template's own source. */
  String text() {
    return text;
  }

  /** The file that the template is from. */
  Path source() {
    return source;
  }

  /**
   * Renders a conversation.
   *
   * @param addGenerationPrompt whether the head of an assistant's answer follows
   * @throws InvalidInputException if the template refuses the conversation
   */
  public String render(List<Document.Message> messages, boolean addGenerationPrompt) {
    return render(messages, addGenerationPrompt, ZonedDateTime.now(ZoneId.systemDefault()));
  }

  /** As above, at a given time. */
  String render(List<Document.Message> messages, boolean addGenerationPrompt, ZonedDateTime now) {
    Map<String, Object> context = new HashMap<>(specials);
    List<Map<String, Object>> turns = new ArrayList<>();
    for (Document.Message message : messages) {
      Map<String, Object> turn = new LinkedHashMap<>();
      turn.put("role", message.role());
      turn.put("content", message.content());
      turns.add(turn);
    }
    context.put("messages", turns);
    context.put("add_generation_prompt", addGenerationPrompt);
    // transformers always gives these two, if only as None.
    context.put("tools", null);
    context.put("documents", null);
    try {
      return template.render(context, now);
    } catch (TemplateException e) {
      throw new InvalidInputException(
          source + ": the chat template refuses the conversation: " + e.getMessage(), e);
    }
  }
}
