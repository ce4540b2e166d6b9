package dev.graft.http;

import dev.graft.service.Service;
import io.prometheus.metrics.expositionformats.PrometheusTextFormatWriter;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import io.vertx.core.buffer.Buffer;
import java.io.ByteArrayOutputStream;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;
import java.util.function.Consumer;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** Everything that is answered, by method and path. */
final class Routes {
  /** Paths outside {@code /v1/} that ask for a key too. */
  static final Set<String> KEYED = Set.of("/tokenize", "/detokenize", "/metrics", "/live");

  private Routes() {}

  static Map<String, Route> of(
      Service service, PrometheusRegistry registry, ServerOptions options, Consumer<String> log) {
    Map<String, Route> routes = new HashMap<>(PageRoutes.all());
    routes.put("GET /v1/models", new ModelsRoute(service.model()));
    routes.put("GET " + ModelRoute.TEMPLATE, new ModelRoute(service.model()));
    routes.put("POST /v1/completions", new CompletionsRoute(service, options, log));
    routes.put("POST /v1/chat/completions", new ChatRoute(service, options, log));
    routes.put("POST /tokenize", new TokenizeRoute(service, log));
    routes.put("POST /detokenize", new DetokenizeRoute(service, log));
    routes.put("GET /health", exchange -> health(service, exchange));
    routes.put("GET /openapi.json", OpenApiRoute.open());
    routes.put("GET /live", new LiveRoute(service));
    routes.put("GET /metrics", exchange -> metrics(registry, exchange));
    return routes;
  }

  private static void health(Service service, Exchange exchange) throws Exception {
    ObjectNode json = JsonMapper.shared().createObjectNode();
    json.put("status", service.engine().state().word());
    service.engine().failure().ifPresent(why -> json.put("reason", why));
    boolean ready = service.engine().state() == dev.graft.service.EngineState.READY;
    exchange.reply(ready ? 200 : 503, json);
  }

  private static void metrics(PrometheusRegistry registry, Exchange exchange) throws Exception {
    PrometheusTextFormatWriter writer = PrometheusTextFormatWriter.builder().build();
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    writer.write(out, registry.scrape());
    exchange.reply(200, writer.getContentType(), Buffer.buffer(out.toByteArray()));
  }
}
