package dev.graft.http;

import io.vertx.core.buffer.Buffer;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;

/** The chat page: files of this jar, which load nothing from anywhere else. */
final class PageRoutes {
  /** The page may run its own scripts and talk to this server, and nothing beyond. */
  private static final String POLICY =
      "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
          + " img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

  private static final String FOLDER = "/dev/graft/serve/page/";

  private static final List<String> FILES =
      List.of(
          "index.html",
          "style.css",
          "icon.svg",
          "api.js",
          "chat.js",
          "conversation.js",
          "copy.js",
          "dom.js",
          "experts.js",
          "format.js",
          "live.js",
          "main.js",
          "markdown.js",
          "panels.js",
          "settings.js",
          "stream.js",
          "turns.js",
          "lib/marked.esm.js",
          "lib/purify.es.mjs");

  private PageRoutes() {}

  /** By method and path: {@code /} and what it asks for under {@code /page/}. */
  static Map<String, Route> all() {
    Map<String, Route> routes = new HashMap<>();
    for (String file : FILES) {
      routes.put("GET " + (file.equals("index.html") ? "/" : "/page/" + file), route(file));
    }
    return routes;
  }

  private static Route route(String file) {
    byte[] content = content(file);
    String tag = '"' + digest(content) + '"';
    String type = type(file);
    return exchange -> {
      exchange.header("Content-Security-Policy", POLICY);
      exchange.header("X-Content-Type-Options", "nosniff");
      exchange.header("Referrer-Policy", "no-referrer");
      exchange.header("Cache-Control", "no-cache");
      exchange.header("ETag", tag);
      boolean known = exchange.header("If-None-Match").filter(tag::equals).isPresent();
      exchange.reply(known ? 304 : 200, type, known ? Buffer.buffer() : Buffer.buffer(content));
    };
  }

  private static byte[] content(String file) {
    try (InputStream in = PageRoutes.class.getResourceAsStream(FOLDER + file)) {
      if (in == null) {
        throw new IllegalStateException("the jar lacks " + FOLDER + file + "; build it anew");
      }
      return in.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String digest(byte[] content) {
    try {
      return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(content), 0, 12);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e); // every JDK has it
    }
  }

  private static String type(String file) {
    return switch (file.substring(file.lastIndexOf('.') + 1)) {
      case "html" -> "text/html; charset=utf-8";
      case "css" -> "text/css; charset=utf-8";
      case "svg" -> "image/svg+xml";
      default -> "text/javascript; charset=utf-8";
    };
  }
}
