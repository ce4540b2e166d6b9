package dev.graft.http;

import dev.graft.checkpoint.Checkpoint;
import dev.graft.decoder.Decoder;
import dev.graft.decoder.DecoderOptions;
import dev.graft.peers.Shared;
import dev.graft.sample.SamplingOptions;
import dev.graft.schedule.SchedulerOptions;
import dev.graft.service.Engine;
import dev.graft.service.EngineMetrics;
import dev.graft.service.ExpertLoad;
import dev.graft.service.ServedModel;
import dev.graft.service.Service;
import dev.graft.text.ChatTemplate;
import dev.graft.text.Tokenizer;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.UnaryOperator;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** A real server on the loopback with a small real model, and a client for it. */
final class TestServer implements AutoCloseable {
  static final Duration PATIENCE = Duration.ofSeconds(60);

  private final Checkpoint checkpoint;
  private final Tokenizer tokenizer;
  private final Decoder decoder;
  private final Engine engine;
  private final GraftServer server;
  private final HttpClient client =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  private final List<String> log = new CopyOnWriteArrayList<>();

  /** Serves stories260k. */
  TestServer(SchedulerOptions scheduling, int waiting, UnaryOperator<ServerOptions> change)
      throws IOException, InterruptedException {
    this(Shared.path("models/stories260k"), 96, scheduling, waiting, change);
  }

  TestServer(
      Path model,
      int pages,
      SchedulerOptions scheduling,
      int waiting,
      UnaryOperator<ServerOptions> change)
      throws IOException, InterruptedException {
    checkpoint = Checkpoint.open(model);
    tokenizer = Tokenizer.open(model);
    ExpertLoad load = new ExpertLoad(checkpoint.spec());
    decoder = new Decoder(checkpoint, DecoderOptions.of(pages).withThreads(2).withObserver(load));
    PrometheusRegistry registry = new PrometheusRegistry();
    EngineMetrics metrics = new EngineMetrics(registry, load);
    engine =
        new Engine(
            decoder,
            scheduling,
            waiting,
            metrics::stepped,
            failure -> log.add("failed: " + failure));
    ServedModel served =
        new ServedModel(
            model.getFileName().toString(),
            checkpoint.spec(),
            tokenizer,
            ChatTemplate.find(model),
            Set.of(tokenizer.eosId().orElseThrow()),
            checkpoint.spec().maxPositionEmbeddings(),
            new SamplingOptions(1, 0, 1, 0, 1, 0),
            Instant.now());
    server =
        new GraftServer(
            new Service(served, engine, metrics),
            registry,
            change.apply(ServerOptions.of("127.0.0.1", 0, List.of())),
            log::add);
    engine.warmUp();
  }

  static TestServer open() throws IOException, InterruptedException {
    return new TestServer(SchedulerOptions.standard(), 64, UnaryOperator.identity());
  }

  int port() {
    return server.port();
  }

  Set<String> routes() {
    return server.routes();
  }

  Engine engine() {
    return engine;
  }

  List<String> log() {
    return log;
  }

  HttpRequest.Builder request(String path) {
    return HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port() + path))
        .timeout(PATIENCE);
  }

  HttpResponse<String> get(String path) throws IOException, InterruptedException {
    return client.send(request(path).build(), HttpResponse.BodyHandlers.ofString());
  }

  HttpResponse<String> post(String path, String body) throws IOException, InterruptedException {
    return send(request(path).POST(HttpRequest.BodyPublishers.ofString(body)).build());
  }

  HttpResponse<String> send(HttpRequest request) throws IOException, InterruptedException {
    return client.send(request, HttpResponse.BodyHandlers.ofString());
  }

  /** A body that must be an answer. */
  JsonNode answer(String path, String body) throws IOException, InterruptedException {
    HttpResponse<String> response = post(path, body);
    if (response.statusCode() != 200) {
      throw new AssertionError(response.statusCode() + ": " + response.body());
    }
    return JsonMapper.shared().readTree(response.body());
  }

  /** The events of a stream but its last, which must be {@code [DONE]}. */
  List<JsonNode> events(String path, String body) throws IOException, InterruptedException {
    HttpResponse<String> response = post(path, body);
    if (response.statusCode() != 200) {
      throw new AssertionError(response.statusCode() + ": " + response.body());
    }
    List<JsonNode> events = new ArrayList<>();
    boolean done = false;
    for (String block : response.body().split("\n\n", -1)) {
      if (done && block.isEmpty()) {
        break;
      }
      if (done || !block.startsWith("data: ")) {
        throw new AssertionError("not an event: " + block);
      }
      String data = block.substring("data: ".length());
      done = data.equals("[DONE]");
      if (!done) {
        events.add(JsonMapper.shared().readTree(data));
      }
    }
    if (!done) {
      throw new AssertionError("the stream does not end: " + response.body());
    }
    return events;
  }

  /** The value of one of the server's metrics. */
  double metric(String line) throws IOException, InterruptedException {
    return get("/metrics")
        .body()
        .lines()
        .filter(one -> one.startsWith(line + " "))
        .mapToDouble(one -> Double.parseDouble(one.substring(line.length() + 1)))
        .findFirst()
        .orElse(Double.NaN);
  }

  /** Waits until nothing runs and no page is in use. */
  void awaitRest() throws IOException, InterruptedException {
    long until = System.nanoTime() + PATIENCE.toNanos();
    while (engine.pending() > 0
        || engine.scheduler().running() > 0
        || engine.scheduler().pagesUsed() > 0) {
      if (System.nanoTime() > until) {
        throw new AssertionError("it does not come to rest: " + engine.scheduler());
      }
      Thread.sleep(5);
    }
  }

  @Override
  public void close() {
    client.close();
    server.close();
    engine.close();
    decoder.close();
    tokenizer.close();
    checkpoint.close();
  }
}
