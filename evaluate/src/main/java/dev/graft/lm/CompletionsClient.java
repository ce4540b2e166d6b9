package dev.graft.lm;

import dev.graft.checkpoint.InvalidInputException;
import java.io.IOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.URISyntaxException;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.Optional;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** Requests to an OpenAI-compatible server; those that it is too busy for are repeated. */
final class CompletionsClient implements AutoCloseable {
  private static final Duration CONNECT = Duration.ofSeconds(20);
  private static final Duration PATIENCE = Duration.ofMinutes(30);
  private static final int ATTEMPTS = 5;

  private final URI base;
  private final Optional<String> key;
  private final Duration pause;
  private final HttpClient client;

  /**
   * @param server its address, with or without {@code /v1}
   * @param key sent as a bearer token
   * @param pause before a request is repeated; twice as long each time
   */
  CompletionsClient(String server, Optional<String> key, Duration pause) {
    this.base = base(server);
    this.key = key;
    this.pause = pause;
    this.client =
        HttpClient.newBuilder()
            .version(HttpClient.Version.HTTP_1_1)
            .connectTimeout(CONNECT)
            .build();
  }

  private static URI base(String server) {
    String stripped = server.replaceFirst("/+$", "");
    try {
      URI uri = new URI(stripped.endsWith("/v1") ? stripped : stripped + "/v1");
      if (uri.getHost() != null
          && ("http".equals(uri.getScheme()) || "https".equals(uri.getScheme()))) {
        return uri;
      }
    } catch (URISyntaxException e) {
      // said below
    }
    throw new InvalidInputException(
        "--server is '%s'; give an address such as http://127.0.0.1:8080".formatted(server));
  }

  @Override
  public String toString() {
    return base.toString();
  }

  /** The first model that the server names. */
  String firstModel() throws IOException {
    JsonNode models = send(request("/models").GET().build());
    String id = models.path("data").path(0).path("id").asString("");
    if (id.isEmpty()) {
      throw new InvalidInputException(base + " names no model; name one with --model");
    }
    return id;
  }

  /** The answer to {@code POST /v1/completions}. */
  JsonNode complete(ObjectNode body) throws IOException {
    return send(
        request("/completions")
            .header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString(body.toString()))
            .build());
  }

  private HttpRequest.Builder request(String path) {
    HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(base + path)).timeout(PATIENCE);
    key.ifPresent(token -> request.header("Authorization", "Bearer " + token));
    return request;
  }

  private JsonNode send(HttpRequest request) throws IOException {
    for (int attempt = 1; ; attempt++) {
      String trouble;
      try {
        HttpResponse<String> response = client.send(request, HttpResponse.BodyHandlers.ofString());
        int status = response.statusCode();
        if (status == 200) {
          return JsonMapper.shared().readTree(response.body());
        }
        if (status != 429 && status < 500) {
          throw refusal(status, response.body());
        }
        trouble = "it answered with status %d: %s".formatted(status, said(response.body()));
      } catch (JacksonException e) {
        throw new IOException(base + " answered with what is not JSON; check --server", e);
      } catch (ConnectException e) {
        trouble = "nothing answers there";
      } catch (IOException e) {
        trouble = String.valueOf(e.getMessage());
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new IOException("the evaluation was interrupted", e);
      }
      if (attempt == ATTEMPTS) {
        throw new IOException(
            "%s could not be asked (%s); look after the server and give the same command again"
                .formatted(base, trouble));
      }
      rest(attempt);
    }
  }

  private void rest(int attempt) throws IOException {
    try {
      Thread.sleep(pause.multipliedBy(1L << (attempt - 1)));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("the evaluation was interrupted", e);
    }
  }

  private InvalidInputException refusal(int status, String body) {
    return new InvalidInputException(
        switch (status) {
          case 401, 403 ->
              "%s asks for a key; set OPENAI_API_KEY to one that it takes".formatted(base);
          case 404 -> "%s has no such model or route: %s".formatted(base, said(body));
          default -> "%s refused a request: %s".formatted(base, said(body));
        });
  }

  /** The server's own sentence. */
  private static String said(String body) {
    try {
      JsonNode message = JsonMapper.shared().readTree(body).path("error").path("message");
      if (message.isString()) {
        return message.stringValue();
      }
    } catch (JacksonException e) {
      // not JSON: what it said is its text
    }
    String line = body.strip().replaceAll("\\s+", " ");
    return line.substring(0, Math.min(200, line.length()));
  }

  @Override
  public void close() {
    client.shutdownNow();
  }
}
