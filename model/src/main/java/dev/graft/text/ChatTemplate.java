package dev.graft.text;

import com.hubspot.jinjava.Jinjava;
import com.hubspot.jinjava.JinjavaConfig;
import com.hubspot.jinjava.LegacyOverrides;
import com.hubspot.jinjava.interpret.JinjavaInterpreter;
import com.hubspot.jinjava.interpret.RenderResult;
import com.hubspot.jinjava.lib.fn.ELFunctionDefinition;
import dev.graft.checkpoint.InvalidInputException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * A model's chat template, rendered as transformers' {@code apply_chat_template} does. Safe to use
 * from several threads.
 */
public final class ChatTemplate {
  private final Path source;
  private final String template;
  private final Map<String, String> specials;
  private final Jinjava jinjava;

  private ChatTemplate(Path source, String template, Map<String, String> specials) {
    this.source = source;
    // Jinja drops one newline at the end of the template, Jinjava of the result.
    this.template =
        template.endsWith("\n") ? template.substring(0, template.length() - 1) : template;
    this.specials = specials;
    this.jinjava =
        new Jinjava(
            JinjavaConfig.newBuilder()
                .withTrimBlocks(true)
                .withLstripBlocks(true)
                .withKeepTrailingNewline(true)
                .withLegacyOverrides(
                    LegacyOverrides.newBuilder()
                        .withUsePyishObjectMapper(true)
                        .withKeepNullableLoopValues(true)
                        .withParseWhitespaceControlStrictly(true)
                        .build())
                .build());
    jinjava.registerFunction(
        new ELFunctionDefinition(
            "", "raise_exception", ChatTemplate.class, "raiseException", String.class));
  }

  /**
   * Reads {@code chat_template.jinja} or the {@code chat_template} of {@code
   * tokenizer_config.json}.
   *
   * @throws InvalidInputException if there is none
   */
  public static ChatTemplate open(Path directory) throws IOException {
    Path config = directory.resolve("tokenizer_config.json");
    JsonNode json =
        Files.isRegularFile(config)
            ? JsonMapper.shared().readTree(Files.readString(config))
            : JsonMapper.shared().createObjectNode();
    Map<String, String> specials = new LinkedHashMap<>();
    for (String key : List.of("bos_token", "eos_token", "pad_token", "unk_token")) {
      JsonNode token = json.path(key);
      String text = token.isObject() ? token.path("content").asString("") : token.asString("");
      if (!text.isEmpty()) {
        specials.put(key, text);
      }
    }
    Path file = directory.resolve("chat_template.jinja");
    if (Files.isRegularFile(file)) {
      return new ChatTemplate(file, Files.readString(file), specials);
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
    if (!template.isString()) {
      throw new InvalidInputException(
          directory
              + ": there is no chat template in chat_template.jinja or tokenizer_config.json; messages need one");
    }
    return new ChatTemplate(config, template.asString(), specials);
  }

  /**
   * Renders a conversation.
   *
   * @param addGenerationPrompt whether the head of an assistant's answer follows
   * @throws InvalidInputException if the template refuses the conversation
   */
  public String render(List<Document.Message> messages, boolean addGenerationPrompt) {
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
    RenderResult result = jinjava.renderForResult(template, context);
    if (result.hasErrors()) {
      throw new InvalidInputException(
          source
              + ": the chat template refuses the conversation: "
              + result.getErrors().getFirst().getMessage());
    }
    return result.getOutput();
  }

  /** What a template calls to refuse a conversation. */
  public static String raiseException(String message) {
    JinjavaInterpreter.getCurrent()
        .addError(
            com.hubspot.jinjava.interpret.TemplateError.fromException(
                new IllegalArgumentException(message)));
    return "";
  }
}
