package dev.graft.http;

import dev.graft.openai.ApiException;
import io.vertx.core.Context;
import io.vertx.core.Future;
import io.vertx.core.Promise;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerRequest;
import io.vertx.core.http.HttpServerResponse;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Supplier;
import tools.jackson.databind.JsonNode;

/** One request and its answer, for a thread of its own that may wait. */
final class Exchange {
  static final String JSON = "application/json";

  private final HttpServerRequest request;
  private final HttpServerResponse response;
  private final Context context;
  private final byte[] body;
  private final Duration writeLimit;
  private volatile Runnable whenGone = () -> {};
  private volatile boolean gone;
  private volatile int status;

  /**
   * Of a request that has arrived whole; called on its event loop.
   *
   * @param writeLimit that a reader may stop reading
   */
  Exchange(HttpServerRequest request, Context context, byte[] body, Duration writeLimit) {
    this.request = request;
    this.response = request.response();
    this.context = context;
    this.body = body;
    this.writeLimit = writeLimit;
    response.closeHandler(ended -> {
      gone = true;
      whenGone.run();
    });
    response.exceptionHandler(failure -> {});
  }

  byte[] body() {
    return body;
  }

  Optional<String> header(String name) {
    return Optional.ofNullable(request.getHeader(name));
  }

  String method() {
    return request.method().name();
  }

  String path() {
    return request.path();
  }

  /** Status of the answer; 0 before there is one. */
  int status() {
    return status;
  }

  /** Runs once the client has gone before its answer was complete, or now if it has. */
  void whenGone(Runnable action) {
    whenGone = action;
    if (gone) {
      action.run();
    }
  }

  /** Whether the client has gone. */
  boolean gone() {
    return gone;
  }

  /** Answers with JSON. */
  void reply(int code, JsonNode json) throws IOException {
    reply(code, JSON, Buffer.buffer(json.toString()));
  }

  /** Answers with an error. */
  void fail(ApiException error) throws IOException {
    if (error.status() == 429 || error.status() == 503) {
      response.putHeader("Retry-After", "1");
    }
    if (error.status() == 401) {
      response.putHeader("WWW-Authenticate", "Bearer");
    }
    reply(error.status(), error.json());
  }

  /** Answers at once. */
  void reply(int code, String type, Buffer content) throws IOException {
    status = code;
    await(() -> {
      response.setStatusCode(code);
      response.putHeader("Content-Type", type);
      return response.end(content);
    });
  }

  /** An answer that comes in pieces. */
  void header(String name, String value) {
    response.putHeader(name, value);
  }

  /** Begins a stream of server-sent events. */
  void beginEvents() throws IOException {
    status = 200;
    await(() -> {
      response.setChunked(true);
      response.putHeader("Content-Type", "text/event-stream; charset=utf-8");
      response.putHeader("Cache-Control", "no-cache");
      response.putHeader("X-Accel-Buffering", "no");
      return response.writeHead();
    });
  }

  /**
   * Sends events, and waits until the client takes them.
   *
   * @throws IOException if the client has gone, or does not read
   */
  void events(StringBuilder events) throws IOException {
    Buffer buffer = Buffer.buffer(events.toString().getBytes(StandardCharsets.UTF_8));
    await(() -> response.write(buffer));
  }

  /** Ends the stream. */
  void endEvents() throws IOException {
    await(response::end);
  }

  /** Ends the connection. */
  void drop() {
    context.runOnContext(none -> {
      var _ = request.connection().close();
    });
  }

  private void await(Supplier<Future<Void>> action) throws IOException {
    Promise<Void> done = Promise.promise();
    context.runOnContext(none -> {
      try {
        action.get().onComplete(done);
      } catch (RuntimeException e) {
        done.tryFail(e);
      }
    });
    try {
      done.future()
          .toCompletionStage()
          .toCompletableFuture()
          .get(writeLimit.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    } catch (TimeoutException e) {
      drop();
      throw new IOException("the client did not read for " + writeLimit.toSeconds() + " s", e);
    } catch (ExecutionException e) {
      throw new IOException("the client has gone", e);
    }
  }
}
