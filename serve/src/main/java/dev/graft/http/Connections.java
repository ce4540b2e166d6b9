package dev.graft.http;

import io.vertx.core.Vertx;
import io.vertx.core.http.HttpConnection;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Closes connections on which no whole request arrives in time, however slowly its bytes keep
 * coming, and bounds how many there are.
 */
final class Connections {
  private static final long NO_TIMER = -1;

  private final Vertx vertx;
  private final ServerOptions options;
  private final Map<HttpConnection, Long> timers = new ConcurrentHashMap<>();

  Connections(Vertx vertx, ServerOptions options) {
    this.vertx = vertx;
    this.options = options;
  }

  /** A client has connected. */
  void opened(HttpConnection connection) {
    if (timers.size() >= options.maxConnections()) {
      var _ = connection.close();
      return;
    }
    connection.closeHandler(none -> {
      Long timer = timers.remove(connection);
      if (timer != null) {
        vertx.cancelTimer(timer);
      }
    });
    timers.put(connection, NO_TIMER);
    arm(connection, options.headLimit().toMillis());
  }

  /** The head of a request is there; its body has as long again. */
  void head(HttpConnection connection) {
    arm(connection, options.headLimit().toMillis());
  }

  /** The whole request is there. */
  void arrived(HttpConnection connection) {
    timers.computeIfPresent(
        connection,
        (key, timer) -> {
          vertx.cancelTimer(timer);
          return NO_TIMER;
        });
  }

  /** It was answered; the connection may rest. */
  void answered(HttpConnection connection) {
    arm(connection, options.keepAlive().toMillis());
  }

  /** Connections that are open. */
  int count() {
    return timers.size();
  }

  private void arm(HttpConnection connection, long millis) {
    timers.computeIfPresent(
        connection,
        (key, old) -> {
          vertx.cancelTimer(old);
          return vertx.setTimer(
              millis,
              timer -> {
                var _ = connection.close();
              });
        });
  }
}
