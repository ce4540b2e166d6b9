package dev.graft.openai;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Objects of the types {@code chat.completion} and {@code chat.completion.chunk}. */
public final class ChatForm implements AnswerForm {
  private final String id;
  private final String model;
  private final long created;
  private final boolean scored;
  private final boolean nullUsage;

  /**
   * Of one request.
   *
   * @param created seconds since 1970
   */
  public ChatForm(String id, String model, long created, GenerationParameters parameters) {
    this.id = id;
    this.model = model;
    this.created = created;
    this.scored = parameters.topLogprobs().isPresent();
    this.nullUsage = parameters.stream() && parameters.includeUsage();
  }

  private ObjectNode object(String type) {
    ObjectNode json = JsonMapper.shared().createObjectNode();
    json.put("id", id);
    json.put("object", type);
    json.put("created", created);
    json.put("model", model);
    return json;
  }

  private ObjectNode chunk() {
    ObjectNode json = object("chat.completion.chunk");
    if (nullUsage) {
      json.putNull("usage");
    }
    return json;
  }

  /** One entry of a list of choices; what it says is put into the object returned. */
  private ObjectNode choice(
      ObjectNode json, int index, String field, List<TokenScore> scores, String finish) {
    ArrayNode choices =
        json.has("choices") ? (ArrayNode) json.get("choices") : json.putArray("choices");
    ObjectNode choice = choices.addObject();
    choice.put("index", index);
    ObjectNode content = choice.putObject(field);
    if (scored && !(scores.isEmpty() && finish == null)) {
      ArrayNode list = choice.putObject("logprobs").putArray("content");
      scores.forEach(score -> score(list.addObject(), score, true));
    } else {
      choice.putNull("logprobs");
    }
    choice.put("finish_reason", finish);
    return content;
  }

  private static void score(ObjectNode json, TokenScore score, boolean alternatives) {
    json.put("token", score.text());
    json.put("logprob", score.logprob());
    ArrayNode bytes = json.putArray("bytes");
    for (byte b : score.text().getBytes(StandardCharsets.UTF_8)) {
      bytes.add(b & 0xFF);
    }
    if (alternatives) {
      ArrayNode top = json.putArray("top_logprobs");
      score.top().forEach(one -> score(top.addObject(), one, false));
    }
  }

  @Override
  public ObjectNode whole(List<WholeChoice> choices, Usage usage) {
    ObjectNode json = object("chat.completion");
    for (int i = 0; i < choices.size(); i++) {
      WholeChoice whole = choices.get(i);
      ObjectNode message = choice(json, i, "message", whole.scores(), whole.finish());
      message.put("role", "assistant");
      message.put("content", whole.text());
      message.putNull("refusal");
    }
    json.set("usage", usage.json());
    return json;
  }

  @Override
  public Optional<ObjectNode> begin(int choice) {
    ObjectNode json = chunk();
    ObjectNode delta = choice(json, choice, "delta", List.of(), null);
    delta.put("role", "assistant");
    delta.put("content", "");
    return Optional.of(json);
  }

  @Override
  public ObjectNode piece(int choice, String text, List<TokenScore> scores) {
    ObjectNode json = chunk();
    choice(json, choice, "delta", scores, null).put("content", text);
    return json;
  }

  @Override
  public ObjectNode end(int choice, String finish) {
    ObjectNode json = chunk();
    choice(json, choice, "delta", List.of(), finish);
    return json;
  }

  @Override
  public ObjectNode usage(Usage usage) {
    ObjectNode json = object("chat.completion.chunk");
    json.putArray("choices");
    json.set("usage", usage.json());
    return json;
  }
}
