package dev.graft.http;

import io.vertx.core.buffer.Buffer;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;

/** {@code GET /openapi.json}: the description of all of this. */
record OpenApiRoute(Buffer document) implements Route {
  private static final String FILE = "/dev/graft/serve/openapi.json";

  static OpenApiRoute open() {
    try (InputStream in = OpenApiRoute.class.getResourceAsStream(FILE)) {
      if (in == null) {
        throw new IllegalStateException("the jar lacks " + FILE + "; build it anew");
      }
      return new OpenApiRoute(Buffer.buffer(in.readAllBytes()));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Override
  public void answer(Exchange exchange) throws IOException {
    exchange.reply(200, Exchange.JSON, document);
  }
}
