package dev.graft.http;

import dev.graft.openai.ApiException;
import dev.graft.service.Service;
import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import io.vertx.core.Vertx;
import io.vertx.core.VertxOptions;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServer;
import io.vertx.core.http.HttpServerOptions;
import io.vertx.core.http.HttpServerRequest;
import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Consumer;

/** The HTTP server: requests arrive on an event loop, each is answered on a virtual thread. */
public final class GraftServer implements AutoCloseable {
  private static final int MOST_HEADERS = 100;
  private static final int LAST_WORDS_SECONDS = 3;

  private final ServerOptions options;
  private final Consumer<String> log;
  private final Map<String, Route> routes;
  private final ApiKeys keys;
  private final Counter requests;
  private final Vertx vertx;
  private final Connections connections;
  private final HttpServer server;
  private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();

  /**
   * Listens.
   *
   * @param log receives lines for a person to read
   * @throws IOException if the address cannot be had
   */
  public GraftServer(
      Service service, PrometheusRegistry registry, ServerOptions options, Consumer<String> log)
      throws IOException {
    this.options = options;
    this.log = log;
    this.routes = Routes.of(service, registry, options, log);
    this.keys = new ApiKeys(options.apiKeys());
    this.requests =
        Counter.builder()
            .name("graft_http_requests")
            .help("Requests answered, by path and status.")
            .labelNames("path", "status")
            .register(registry);
    this.vertx =
        Vertx.builder()
            .with(
                new VertxOptions()
                    .setEventLoopPoolSize(1)
                    .setWorkerPoolSize(1)
                    .setInternalBlockingPoolSize(1))
            .build();
    this.connections = new Connections(vertx, options);
    this.server =
        vertx
            .createHttpServer(
                new HttpServerOptions()
                    .setHost(options.host())
                    .setPort(options.port())
                    .setHttp2ClearTextEnabled(false)
                    .setMaxHeaderSize(32 << 10)
                    .setMaxInitialLineLength(8 << 10)
                    .setHandle100ContinueAutomatically(true)
                    .setTcpNoDelay(true))
            .connectionHandler(connections::opened)
            .invalidRequestHandler(
                request -> refuse(request, 400, "this is not a valid HTTP request"))
            .requestHandler(this::arrived);
    listen();
  }

  private void listen() throws IOException {
    try {
      var _ = server.listen().toCompletionStage().toCompletableFuture().get(30, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    } catch (TimeoutException | ExecutionException e) {
      close();
      Throwable cause = e.getCause() == null ? e : e.getCause();
      throw new IOException(
          "cannot listen on "
              + options.host()
              + ":"
              + options.port()
              + " ("
              + cause.getMessage()
              + "); give another --port, or end what uses it",
          e);
    }
  }

  /** Where it listens. */
  public int port() {
    return server.actualPort();
  }

  /** Methods and paths that are answered. */
  Set<String> routes() {
    return routes.keySet();
  }

  /** Collects the body, within the limits. */
  private void arrived(HttpServerRequest request) {
    connections.head(request.connection());
    // size() would count a name once, however often it comes.
    if (request.headers().entries().size() > MOST_HEADERS) {
      refuse(request, 431, "the request has more than " + MOST_HEADERS + " header fields");
      return;
    }
    String encoding = request.getHeader("Content-Encoding");
    if (encoding != null && !encoding.equalsIgnoreCase("identity")) {
      refuse(request, 415, "Content-Encoding is " + encoding + "; send the body as it is");
      return;
    }
    String length = request.getHeader("Content-Length");
    if (length != null && tooLong(length)) {
      refuse(request, 413, tooLarge());
      return;
    }
    Buffer body = Buffer.buffer();
    request.exceptionHandler(failure -> connections.arrived(request.connection()));
    request.handler(part -> {
      if (body.length() + part.length() > options.maxBodyBytes()) {
        request.handler(null);
        request.endHandler(null);
        refuse(request, 413, tooLarge());
      } else {
        body.appendBuffer(part);
      }
    });
    request.endHandler(none -> {
      connections.arrived(request.connection());
      Exchange exchange =
          new Exchange(request, Vertx.currentContext(), body.getBytes(), options.writeLimit());
      request.response().endHandler(ended -> connections.answered(request.connection()));
      threads.execute(() -> answer(exchange));
    });
  }

  private boolean tooLong(String length) {
    try {
      return Long.parseLong(length) > options.maxBodyBytes();
    } catch (NumberFormatException e) {
      return true;
    }
  }

  private String tooLarge() {
    return "the body is larger than " + options.maxBodyBytes() + " bytes";
  }

  /** Answers what will not be read, and ends the connection. */
  private void refuse(HttpServerRequest request, int status, String message) {
    requests.labelValues("", Integer.toString(status)).inc();
    Buffer body =
        Buffer.buffer(ApiException.of(status, "invalid_request_error", message).json().toString());
    var _ =
        request
            .response()
            .setStatusCode(status)
            .putHeader("Content-Type", Exchange.JSON)
            .putHeader("Connection", "close")
            .end(body)
            .onComplete(done -> request.connection().close());
  }

  private void answer(Exchange exchange) {
    String path = ModelRoute.template(exchange.path());
    Route route = routes.get(exchange.method() + " " + path);
    try {
      if (route == null) {
        throw unknown(exchange, path);
      }
      if (path.startsWith("/v1/") || Routes.KEYED.contains(path)) {
        keys.require(exchange.header("Authorization"));
      }
      route.answer(exchange);
    } catch (IOException e) {
      exchange.drop();
    } catch (Exception | Error e) {
      fail(exchange, e);
    } finally {
      requests
          .labelValues(
              route == null ? "" : path,
              exchange.gone() ? "gone" : Integer.toString(exchange.status()))
          .inc();
    }
  }

  private ApiException unknown(Exchange exchange, String path) {
    List<String> methods =
        routes.keySet().stream()
            .filter(route -> route.endsWith(" " + path))
            .map(route -> route.substring(0, route.indexOf(' ')))
            .sorted()
            .toList();
    if (methods.isEmpty()) {
      return ApiException.of(
          404, "invalid_request_error", "there is no " + exchange.method() + " " + path);
    }
    exchange.header("Allow", String.join(", ", methods));
    return ApiException.of(
        405, "invalid_request_error", path + " does not take " + exchange.method());
  }

  private void fail(Exchange exchange, Throwable thrown) {
    if (exchange.status() != 0) {
      exchange.drop(); // half an answer cannot become an error
      return;
    }
    try {
      exchange.fail(Failures.of(thrown, log));
    } catch (IOException e) {
      exchange.drop();
    }
  }

  /** Lets answers that are complete go out, for a moment, then ends all connections. */
  @Override
  public void close() {
    threads.shutdown();
    try {
      if (!threads.awaitTermination(LAST_WORDS_SECONDS, TimeUnit.SECONDS)) {
        threads.shutdownNow();
      }
      var closed = server.shutdown(Duration.ofSeconds(2)).toCompletionStage().toCompletableFuture();
      var _ = closed.get(5, TimeUnit.SECONDS);
    } catch (ExecutionException | TimeoutException e) {
      log.accept("connections did not close in time");
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    var _ = vertx.close();
  }
}
