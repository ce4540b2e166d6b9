package dev.graft.openai;

import dev.graft.text.Document;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import tools.jackson.databind.JsonNode;

/**
 * {@code POST /v1/chat/completions}.
 *
 * @param model its name, if given
 * @param ignored fields that are not known here
 */
public record ChatRequest(
    Optional<String> model,
    List<Document.Message> messages,
    GenerationParameters parameters,
    List<String> ignored) {
  private static final Set<String> ROLES = Set.of("system", "developer", "user", "assistant");

  /**
   * Reads a body.
   *
   * @throws ApiException if it is not such a request
   */
  public static ChatRequest parse(byte[] body) {
    Fields fields = Fields.parse(body);
    for (String name : List.of("tools", "functions")) {
      fields.refuse(name, "this server does not call tools");
    }
    for (String name : List.of("tool_choice", "function_call")) {
      if (fields.node(name).filter(node -> !"none".equals(node.asString(""))).isPresent()) {
        throw ApiException.invalid(
            name, name + " is not supported: this server does not call tools");
      }
    }
    fields.ignore("parallel_tool_calls");
    fields.refuse("audio", "the models served here write text");
    OptionalInt maxTokens = fields.integer("max_completion_tokens", 1, Integer.MAX_VALUE);
    OptionalInt older = fields.integer("max_tokens", 1, Integer.MAX_VALUE);
    boolean logprobs = fields.flag("logprobs", false);
    OptionalInt top = fields.integer("top_logprobs", 0, GenerationParameters.MOST_LOGPROBS);
    if (top.isPresent() && !logprobs) {
      throw ApiException.invalid("top_logprobs", "top_logprobs needs logprobs to be true");
    }
    GenerationParameters parameters =
        GenerationParameters.read(
            fields,
            maxTokens.isPresent() ? maxTokens : older,
            logprobs ? OptionalInt.of(top.orElse(0)) : OptionalInt.empty(),
            format(fields));
    return new ChatRequest(fields.text("model"), messages(fields), parameters, fields.unread());
  }

  private static ResponseFormat format(Fields fields) {
    Optional<Fields> format = fields.object("response_format");
    if (format.isEmpty()) {
      return new ResponseFormat.Text();
    }
    String type =
        format
            .get()
            .text("type")
            .orElseThrow(() ->
                ApiException.invalid("response_format.type", "response_format.type is missing"));
    return switch (type) {
      case "text" -> new ResponseFormat.Text();
      case "json_object" -> new ResponseFormat.AnyObject();
      case "json_schema" ->
          new ResponseFormat.Schema(
              format
                  .get()
                  .object("json_schema")
                  .flatMap(wrapper -> wrapper.node("schema"))
                  .orElseThrow(() ->
                      ApiException.invalid(
                          "response_format.json_schema.schema",
                          "response_format.json_schema.schema is missing")));
      default ->
          throw ApiException.invalid(
              "response_format.type",
              "response_format.type is '"
                  + type
                  + "'; it must be text, json_object or json_schema");
    };
  }

  /** Reads the messages of a chat. */
  static List<Document.Message> messages(Fields fields) {
    JsonNode list =
        fields
            .node("messages")
            .filter(node -> node.isArray() && !node.isEmpty())
            .orElseThrow(() ->
                ApiException.invalid(
                    "messages", "messages must be a list of at least one message"));
    List<Document.Message> messages = new ArrayList<>();
    for (int i = 0; i < list.size(); i++) {
      String path = "messages[" + i + "]";
      Fields message = Fields.of(list.get(i), path);
      String role = message.text("role").orElse("");
      if (!ROLES.contains(role)) {
        throw ApiException.invalid(
            path + ".role",
            path + ".role is '" + role + "'; it must be system, developer, user or assistant");
      }
      message.refuse("tool_calls", "this server does not call tools");
      message.refuse("function_call", "this server does not call tools");
      JsonNode content =
          message
              .node("content")
              .orElseThrow(
                  () -> ApiException.invalid(path + ".content", path + ".content is missing"));
      messages.add(
          new Document.Message(
              role.equals("developer") ? "system" : role, content(content, path + ".content")));
    }
    return messages;
  }

  private static String content(JsonNode content, String path) {
    if (content.isString()) {
      return content.stringValue();
    }
    if (!content.isArray()) {
      throw ApiException.invalid(path, path + " must be a string or a list of text parts");
    }
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < content.size(); i++) {
      String at = path + "[" + i + "]";
      Fields part = Fields.of(content.get(i), at);
      String type = part.text("type").orElse("");
      if (!type.equals("text")) {
        throw ApiException.invalid(
            at + ".type", at + ".type is '" + type + "'; only text is understood");
      }
      text.append(
          part.text("text")
              .orElseThrow(() -> ApiException.invalid(at + ".text", at + ".text is missing")));
    }
    return text.toString();
  }
}
