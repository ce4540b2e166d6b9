package dev.graft.http;

import dev.graft.service.ServedModel;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** {@code GET /v1/models}. */
record ModelsRoute(ServedModel model) implements Route {
  @Override
  public void answer(Exchange exchange) throws Exception {
    ObjectNode list = JsonMapper.shared().createObjectNode();
    list.put("object", "list");
    list.putArray("data").add(object(model));
    exchange.reply(200, list);
  }

  /** What the API says of a model. */
  static ObjectNode object(ServedModel model) {
    ObjectNode one = JsonMapper.shared().createObjectNode();
    one.put("id", model.name());
    one.put("object", "model");
    one.put("created", model.created().getEpochSecond());
    one.put("owned_by", "graft");
    one.put("max_model_len", model.context());
    return one;
  }
}
