package dev.graft.http;

import dev.graft.openai.ApiException;
import dev.graft.service.ServedModel;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;

/** {@code GET /v1/models/{model}}. */
record ModelRoute(ServedModel model) implements Route {
  private static final String PREFIX = "/v1/models/";
  static final String TEMPLATE = PREFIX + "{model}";

  /** The path as routes have it: one for all models. */
  static String template(String path) {
    return path.startsWith(PREFIX) ? TEMPLATE : path;
  }

  @Override
  public void answer(Exchange exchange) throws Exception {
    String name = exchange.path().substring(PREFIX.length());
    if (!decoded(name).equals(model.name())) {
      throw ApiException.unknownModel(decoded(name), model.name());
    }
    exchange.reply(200, ModelsRoute.object(model));
  }

  /** Clients write a slash of the name as %2F; a plus sign is one in a path. */
  private static String decoded(String name) {
    try {
      return URLDecoder.decode(name.replace("+", "%2B"), StandardCharsets.UTF_8);
    } catch (IllegalArgumentException e) {
      return name;
    }
  }
}
