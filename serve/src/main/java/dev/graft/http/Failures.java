package dev.graft.http;

import dev.graft.checkpoint.InvalidInputException;
import dev.graft.openai.ApiException;
import dev.graft.service.OverloadedException;
import java.util.concurrent.CompletionException;
import java.util.function.Consumer;

/** What was thrown, as the client is told. */
final class Failures {
  private Failures() {}

  /**
   * The error for it.
   *
   * @param log is told what is not the client's fault
   */
  static ApiException of(Throwable thrown, Consumer<String> log) {
    return switch (thrown) {
      case ApiException error -> error;
      case InvalidInputException error -> ApiException.invalid(error.getMessage());
      case OverloadedException error ->
          error.draining()
              ? ApiException.of(503, "service_unavailable", error.getMessage())
              : ApiException.of(429, "rate_limit_exceeded", error.getMessage());
      case CompletionException error when error.getCause() != null -> of(error.getCause(), log);
      default -> {
        log.accept("a request failed: " + thrown);
        yield ApiException.of(
            500,
            "server_error",
            thrown.getMessage() == null ? "the server failed" : thrown.getMessage());
      }
    };
  }
}
