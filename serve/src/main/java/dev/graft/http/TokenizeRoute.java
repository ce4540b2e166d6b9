package dev.graft.http;

import dev.graft.openai.ApiException;
import dev.graft.openai.TokenizeRequest;
import dev.graft.service.Service;
import dev.graft.text.ChatTemplate;
import java.util.function.Consumer;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/** {@code POST /tokenize}. */
record TokenizeRoute(Service service, Consumer<String> log) implements Route {
  @Override
  public void answer(Exchange exchange) throws Exception {
    TokenizeRequest request = TokenizeRequest.parse(exchange.body());
    new Requested(service.model(), log).check("/tokenize", request.model(), request.ignored());
    String text =
        request
            .prompt()
            .orElseGet(
                () -> template(service).render(request.messages(), request.addGenerationPrompt()));
    int[] ids = service.tokens(text, request.addSpecialTokens());
    ObjectNode json = JsonMapper.shared().createObjectNode();
    ArrayNode tokens = json.putArray("tokens");
    for (int id : ids) {
      tokens.add(id);
    }
    json.put("count", ids.length);
    json.put("max_model_len", service.model().context());
    exchange.reply(200, json);
  }

  /** The model's chat template, which it must have. */
  static ChatTemplate template(Service service) {
    return service
        .model()
        .template()
        .orElseThrow(() ->
            ApiException.invalid(
                "messages", "this model has no chat template; ask /v1/completions with a prompt"));
  }
}
