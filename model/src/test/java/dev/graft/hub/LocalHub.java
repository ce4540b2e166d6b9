package dev.graft.hub;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;

/**
 * A hub of one repository, {@code someone/something}, and the other host that its large files are
 * on, both on loopback.
 */
final class LocalHub implements AutoCloseable {
  static final String COMMIT = "0123456789abcdef0123456789abcdef01234567";

  /** What the hub lists. */
  record Listed(byte[] bytes, boolean large, long size, String oid) {}

  /** A request that came; the authorization is empty where none was sent. */
  record Seen(String host, String path, String authorization, String range) {}

  /** How the other host answers a request for a file. */
  enum Answer {
    WHOLE,
    CUT_OFF,
    STALLED,
    DAMAGED,
    FAILING,
    WITHOUT_RANGES,
  }

  final List<Seen> seen = new CopyOnWriteArrayList<>();
  final Map<String, Listed> files = new LinkedHashMap<>();
  private final HttpServer hub;
  private final HttpServer other;
  private final List<Answer> answers = new ArrayList<>();
  private final AtomicInteger refusal = new AtomicInteger();

  LocalHub() throws IOException {
    hub = server();
    other = server();
    hub.createContext("/", this::hub);
    other.createContext("/", this::other);
    hub.start();
    other.start();
  }

  private static HttpServer server() throws IOException {
    HttpServer server =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.setExecutor(Executors.newVirtualThreadPerTaskExecutor());
    return server;
  }

  String address() {
    return "http://127.0.0.1:" + hub.getAddress().getPort();
  }

  void small(String path, String text) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    String header = "blob " + bytes.length + "\0";
    files.put(path, new Listed(bytes, false, bytes.length, hash("SHA-1", header, bytes)));
  }

  void large(String path, byte[] bytes) {
    files.put(path, new Listed(bytes, true, bytes.length, hash("SHA-256", "", bytes)));
  }

  /** The next answers of the other host; then {@link Answer#WHOLE}. */
  void answers(Answer... next) {
    answers.addAll(Arrays.asList(next));
  }

  /** The status with which everything is refused. */
  void refuse(int status) {
    refusal.set(status);
  }

  private static String hash(String algorithm, String header, byte[] bytes) {
    try {
      MessageDigest digest = MessageDigest.getInstance(algorithm);
      digest.update(header.getBytes(StandardCharsets.US_ASCII));
      return HexFormat.of().formatHex(digest.digest(bytes));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  private void note(String host, HttpExchange exchange) {
    seen.add(
        new Seen(
            host,
            exchange.getRequestURI().getPath(),
            String.valueOf(exchange.getRequestHeaders().getFirst("Authorization")),
            String.valueOf(exchange.getRequestHeaders().getFirst("Range"))));
  }

  private void hub(HttpExchange exchange) throws IOException {
    note("hub", exchange);
    String path = exchange.getRequestURI().getPath();
    String query = String.valueOf(exchange.getRequestURI().getQuery());
    String resolve = "/someone/something/resolve/" + COMMIT + "/";
    if (refusal.get() != 0) {
      text(exchange, refusal.get(), "{\"error\":\"no\"}");
    } else if (path.equals("/api/models/someone/something/revision/main")) {
      text(exchange, 200, "{\"sha\":\"" + COMMIT + "\"}");
    } else if (path.equals("/api/models/someone/something/tree/" + COMMIT)) {
      boolean second = query.contains("cursor=2");
      List<String> entries = files.keySet().stream().map(this::entry).toList();
      int half = entries.size() / 2;
      if (!second) {
        exchange
            .getResponseHeaders()
            .add("Link", "<%s%s?recursive=true&cursor=2>; rel=\"next\"".formatted(address(), path));
      }
      List<String> page = second ? entries.subList(half, entries.size()) : entries.subList(0, half);
      text(exchange, 200, "[" + String.join(",", page) + "]");
    } else if (path.startsWith(resolve)) {
      Listed file = files.get(path.substring(resolve.length()));
      if (file.large()) {
        exchange
            .getResponseHeaders()
            .add(
                "Location",
                "http://127.0.0.1:%d/%s"
                    .formatted(other.getAddress().getPort(), path.substring(resolve.length())));
        text(exchange, 302, "");
      } else {
        text(exchange, 200, new String(file.bytes(), StandardCharsets.UTF_8));
      }
    } else {
      text(exchange, 404, "{\"error\":\"not found\"}");
    }
  }

  private String entry(String path) {
    Listed file = files.get(path);
    String plain = "{\"type\":\"file\",\"path\":\"%s\",\"size\":%d,".formatted(path, file.size());
    return file.large()
        ? plain
            + "\"oid\":\"pointer\",\"lfs\":{\"oid\":\"%s\",\"size\":%d,\"pointerSize\":9}}"
                .formatted(file.oid(), file.size())
        : plain + "\"oid\":\"%s\"}".formatted(file.oid());
  }

  private void other(HttpExchange exchange) throws IOException {
    note("other", exchange);
    Answer answer = answers.isEmpty() ? Answer.WHOLE : answers.removeFirst();
    byte[] bytes = files.get(exchange.getRequestURI().getPath().substring(1)).bytes().clone();
    String range = exchange.getRequestHeaders().getFirst("Range");
    int from =
        range == null || answer == Answer.WITHOUT_RANGES
            ? 0
            : Integer.parseInt(range.replaceAll("\\D", ""));
    if (answer == Answer.FAILING) {
      text(exchange, 503, "busy");
      return;
    }
    if (answer == Answer.DAMAGED) {
      bytes[bytes.length - 1] ^= 1;
    }
    if (from > 0) {
      exchange
          .getResponseHeaders()
          .add("Content-Range", "bytes %d-%d/%d".formatted(from, bytes.length - 1, bytes.length));
    }
    exchange.sendResponseHeaders(from > 0 ? 206 : 200, bytes.length - from);
    OutputStream body = exchange.getResponseBody();
    if (answer == Answer.CUT_OFF || answer == Answer.STALLED) {
      body.write(bytes, from, (bytes.length - from) / 2);
      body.flush();
      if (answer == Answer.STALLED) {
        return; // neither more nor an end
      }
      exchange.close();
      return;
    }
    body.write(bytes, from, bytes.length - from);
    exchange.close();
  }

  private static void text(HttpExchange exchange, int status, String text) throws IOException {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    exchange.sendResponseHeaders(status, bytes.length == 0 ? -1 : bytes.length);
    exchange.getResponseBody().write(bytes);
    exchange.close();
  }

  @Override
  public void close() {
    hub.stop(0);
    other.stop(0);
  }
}
