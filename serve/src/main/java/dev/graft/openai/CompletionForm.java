package dev.graft.openai;

import java.util.List;
import java.util.Optional;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** Objects of the type {@code text_completion}. Used by one thread. */
public final class CompletionForm implements AnswerForm {
  private final String id;
  private final String model;
  private final long created;
  private final boolean scored;
  private final boolean nullUsage;
  private final int[] offsets;

  /**
   * Of one request.
   *
   * @param created seconds since 1970
   * @param choices how many there are
   */
  public CompletionForm(
      String id, String model, long created, GenerationParameters parameters, int choices) {
    this.id = id;
    this.model = model;
    this.created = created;
    this.scored = parameters.topLogprobs().isPresent();
    this.nullUsage = parameters.stream() && parameters.includeUsage();
    this.offsets = new int[choices];
  }

  private ObjectNode object() {
    ObjectNode json = JsonMapper.shared().createObjectNode();
    json.put("id", id);
    json.put("object", "text_completion");
    json.put("created", created);
    json.put("model", model);
    return json;
  }

  private ObjectNode chunk() {
    ObjectNode json = object();
    if (nullUsage) {
      json.putNull("usage");
    }
    return json;
  }

  private void choice(
      ArrayNode choices, int index, String text, List<TokenScore> scores, String finish) {
    ObjectNode choice = choices.addObject();
    choice.put("index", index);
    choice.put("text", text);
    if (scored) {
      choice.set("logprobs", logprobs(index, scores));
    } else {
      choice.putNull("logprobs");
    }
    choice.put("finish_reason", finish);
  }

  private ObjectNode logprobs(int index, List<TokenScore> scores) {
    ObjectNode json = JsonMapper.shared().createObjectNode();
    ArrayNode tokens = json.putArray("tokens");
    ArrayNode logprobs = json.putArray("token_logprobs");
    ArrayNode tops = json.putArray("top_logprobs");
    ArrayNode offset = json.putArray("text_offset");
    for (TokenScore score : scores) {
      tokens.add(score.text());
      offset.add(offsets[index]);
      offsets[index] += score.text().length();
      if (Double.isNaN(score.logprob())) {
        logprobs.addNull();
        tops.addNull();
        continue;
      }
      logprobs.add(score.logprob());
      ObjectNode top = tops.addObject();
      score.top().forEach(one -> top.put(one.text(), one.logprob()));
      // The token itself is always among them.
      top.put(score.text(), score.logprob());
    }
    return json;
  }

  @Override
  public ObjectNode whole(List<WholeChoice> choices, Usage usage) {
    ObjectNode json = object();
    ArrayNode list = json.putArray("choices");
    for (int i = 0; i < choices.size(); i++) {
      WholeChoice choice = choices.get(i);
      choice(list, i, choice.text(), choice.scores(), choice.finish());
    }
    json.set("usage", usage.json());
    return json;
  }

  @Override
  public Optional<ObjectNode> begin(int choice) {
    return Optional.empty();
  }

  @Override
  public ObjectNode piece(int choice, String text, List<TokenScore> scores) {
    ObjectNode json = chunk();
    choice(json.putArray("choices"), choice, text, scores, null);
    return json;
  }

  @Override
  public ObjectNode end(int choice, String finish) {
    ObjectNode json = chunk();
    choice(json.putArray("choices"), choice, "", List.of(), finish);
    return json;
  }

  @Override
  public ObjectNode usage(Usage usage) {
    ObjectNode json = object();
    json.putArray("choices");
    json.set("usage", usage.json());
    return json;
  }
}
