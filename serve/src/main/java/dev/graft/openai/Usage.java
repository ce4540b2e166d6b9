package dev.graft.openai;

import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** Tokens that a request took. */
public record Usage(int promptTokens, int completionTokens) {
  ObjectNode json() {
    ObjectNode json = JsonMapper.shared().createObjectNode();
    json.put("prompt_tokens", promptTokens);
    json.put("completion_tokens", completionTokens);
    json.put("total_tokens", promptTokens + completionTokens);
    return json;
  }
}
