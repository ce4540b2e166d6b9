package dev.graft.http;

import dev.graft.openai.ApiException;
import dev.graft.openai.DetokenizeRequest;
import dev.graft.service.Apart;
import dev.graft.service.ServedModel;
import java.util.function.Consumer;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** {@code POST /detokenize}. */
record DetokenizeRoute(ServedModel model, Consumer<String> log) implements Route {
  @Override
  public void answer(Exchange exchange) throws Exception {
    DetokenizeRequest request = DetokenizeRequest.parse(exchange.body());
    new Requested(model, log).check("/detokenize", request.model(), request.ignored());
    int vocab = model.spec().vocabSize();
    for (int id : request.tokens()) {
      if (id >= vocab) {
        throw ApiException.invalid(
            "tokens", "token id " + id + " is out of range; the vocabulary is 0 to " + (vocab - 1));
      }
    }
    ObjectNode json = JsonMapper.shared().createObjectNode();
    int[] ids = request.tokens();
    json.put("prompt", Apart.call(ids.length, () -> model.tokenizer().decode(ids, false)));
    exchange.reply(200, json);
  }
}
