package dev.graft.http;

import dev.graft.openai.ApiException;
import dev.graft.openai.DetokenizeRequest;
import dev.graft.service.Service;
import java.util.List;
import java.util.function.Consumer;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** {@code POST /detokenize}. */
record DetokenizeRoute(Service service, Consumer<String> log) implements Route {
  @Override
  public void answer(Exchange exchange) throws Exception {
    DetokenizeRequest request = DetokenizeRequest.parse(exchange.body());
    new Requested(service.model(), log).check("/detokenize", request.model(), request.ignored());
    int vocab = service.model().spec().vocabSize();
    for (int id : request.tokens()) {
      if (id >= vocab) {
        throw ApiException.invalid(
            "tokens", "token id " + id + " is out of range; the vocabulary is 0 to " + (vocab - 1));
      }
    }
    ObjectNode json = JsonMapper.shared().createObjectNode();
    json.put("prompt", service.texts(List.of(request.tokens())).getFirst());
    exchange.reply(200, json);
  }
}
