package dev.graft.openai;

import java.util.ArrayList;
import java.util.List;
import tools.jackson.databind.JsonNode;

/** What a completion goes on with. */
public sealed interface Prompt {
  /** Text for the tokenizer. */
  record Text(String text) implements Prompt {}

  /** Token ids as they are. */
  record Ids(int[] ids) implements Prompt {}

  /** Prompts of one request at most. */
  int MOST = 1024;

  /** A string, a list of strings, token ids or a list of such lists. */
  static List<Prompt> read(Fields fields) {
    JsonNode node =
        fields
            .node("prompt")
            .orElseThrow(() ->
                ApiException.invalid(
                    "prompt", "prompt is missing; give a string, token ids, or a list of them"));
    if (node.isString()) {
      return List.of(new Text(node.stringValue()));
    }
    if (!node.isArray() || node.isEmpty()) {
      throw wrong("prompt");
    }
    if (node.get(0).isNumber()) {
      return List.of(new Ids(Fields.ids(node, "prompt")));
    }
    if (node.size() > MOST) {
      throw ApiException.invalid(
          "prompt",
          "prompt has " + node.size() + " entries; at most " + MOST + " are served at once");
    }
    List<Prompt> prompts = new ArrayList<>();
    for (int i = 0; i < node.size(); i++) {
      JsonNode one = node.get(i);
      if (one.isString()) {
        prompts.add(new Text(one.stringValue()));
      } else if (one.isArray()) {
        prompts.add(new Ids(Fields.ids(one, "prompt[" + i + "]")));
      } else {
        throw wrong("prompt[" + i + "]");
      }
    }
    return prompts;
  }

  private static ApiException wrong(String path) {
    return ApiException.invalid(
        "prompt", path + " must be a string, a list of strings, token ids or a list of such lists");
  }
}
