package dev.graft.http;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.graft.schedule.SchedulerOptions;
import dev.graft.service.EngineState;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.UnaryOperator;
import org.junit.jupiter.api.Test;

/** Clients that go away, do not read, send too much or too slowly; queues that are full; ends. */
class LimitsTest {
  private static final String PATH = "/v1/completions";
  private static final String LONG =
      "{\"prompt\": \"Once\", \"max_tokens\": 400, \"temperature\": 0, \"ignore_eos\": true";

  private static Socket connect(TestServer server) throws IOException {
    Socket socket = new Socket(InetAddress.getLoopbackAddress(), server.port());
    socket.setSoTimeout((int) TestServer.PATIENCE.toMillis());
    return socket;
  }

  private static void send(Socket socket, String text) throws IOException {
    OutputStream out = socket.getOutputStream();
    out.write(text.getBytes(StandardCharsets.UTF_8));
    out.flush();
  }

  private static void sendRequest(Socket socket, String body) throws IOException {
    send(
        socket,
        "POST "
            + PATH
            + " HTTP/1.1\r\nHost: a\r\nContent-Length: "
            + body.length()
            + "\r\n\r\n"
            + body);
  }

  private static String line(Socket socket) throws IOException {
    return new BufferedReader(
            new InputStreamReader(socket.getInputStream(), StandardCharsets.UTF_8))
        .readLine();
  }

  private static TestServer slow() throws Exception {
    return new TestServer(SchedulerOptions.standard(), 64, UnaryOperator.identity());
  }

  @Test
  void aClientThatGoesAwayFreesItsPages() throws Exception {
    try (TestServer server = slow()) {
      for (String more : List.of(", \"stream\": true}", "}", ", \"n\": 20}")) {
        Socket socket = connect(server);
        sendRequest(socket, LONG + more);
        while (server.engine().pending() == 0) {
          Thread.sleep(1);
        }
        socket.close();
        server.awaitRest();
      }
      assertTrue(
          server.metric("graft_http_requests_total{path=\"" + PATH + "\",status=\"gone\"}") > 0);
    }
  }

  @Test
  void aReaderThatStopsIsGivenUp() throws Exception {
    UnaryOperator<ServerOptions> impatient =
        options ->
            new ServerOptions(
                options.host(),
                0,
                List.of(),
                options.maxBodyBytes(),
                options.maxConnections(),
                options.headLimit(),
                options.keepAlive(),
                options.requestLimit(),
                Duration.ofMillis(300));
    try (TestServer server = new TestServer(SchedulerOptions.standard(), 64, impatient);
        Socket socket = new Socket()) {
      socket.setReceiveBufferSize(1024);
      socket.connect(new InetSocketAddress(InetAddress.getLoopbackAddress(), server.port()));
      String body = LONG + ", \"n\": 60, \"stream\": true, \"logprobs\": 20}";
      sendRequest(socket, body);
      while (server.engine().pending() == 0) {
        Thread.sleep(1);
      }
      server.awaitRest();
      assertTrue(
          server.answer(PATH, "{\"prompt\": \"a\", \"max_tokens\": 2}").has("choices"),
          "others are served");
    }
  }

  @Test
  void aFullQueueSaysWhenToComeBack() throws Exception {
    try (TestServer server =
            new TestServer(new SchedulerOptions(1, 64, 64), 1, UnaryOperator.identity());
        Socket first = connect(server);
        Socket second = connect(server)) {
      sendRequest(first, LONG + "}");
      sendRequest(second, LONG + "}");
      while (server.engine().pending() < 2) {
        Thread.sleep(1);
      }
      HttpResponse<String> response = server.post(PATH, LONG + "}");
      if (server.engine().pending() == 2) {
        assertEquals(429, response.statusCode(), response.body());
        assertEquals("1", response.headers().firstValue("Retry-After").orElseThrow());
      }
    }
  }

  @Test
  void moreAnswersThanThereArePlacesAreRefused() throws Exception {
    try (TestServer server =
        new TestServer(new SchedulerOptions(2, 64, 64), 3, UnaryOperator.identity())) {
      HttpResponse<String> response =
          server.post(PATH, "{\"prompt\": [\"a\", \"b\"], \"n\": 3, \"max_tokens\": 1}");
      assertEquals(400, response.statusCode(), response.body());
      assertTrue(response.body().contains("6 answers"), response.body());
      assertTrue(response.body().contains("at most 5"), response.body());
      response = server.post(PATH, "{\"prompt\": \"a\", \"n\": 5, \"max_tokens\": 1}");
      assertEquals(200, response.statusCode(), response.body());
    }
  }

  @Test
  void aTextThatIsFarTooLongIsRefusedBeforeItIsTokenized() throws Exception {
    try (TestServer server = slow()) {
      HttpResponse<String> response =
          server.post(PATH, "{\"prompt\": \"" + "a".repeat(100_000) + "\"}");
      assertEquals(400, response.statusCode(), response.body());
      assertTrue(response.body().contains("100000 characters"), response.body());
      assertTrue(response.body().contains("context_length_exceeded"), response.body());
    }
  }

  @Test
  void bodiesAndHeadsHaveALargestSize() throws Exception {
    try (TestServer server = slow()) {
      try (Socket socket = connect(server)) {
        send(
            socket,
            "POST "
                + PATH
                + " HTTP/1.1\r\nHost: a\r\nContent-Length: 104857600\r\n\r\n{\"prompt\"");
        assertTrue(line(socket).startsWith("HTTP/1.1 413"));
      }
      HttpResponse<String> chunked =
          server.send(
              server
                  .request(PATH)
                  .POST(
                      HttpRequest.BodyPublishers.ofInputStream(() -> InputStream.nullInputStream()))
                  .build());
      assertEquals(400, chunked.statusCode());
      try (Socket socket = connect(server)) {
        send(socket, "POST " + PATH + " HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
        String part = "10000\r\n" + " ".repeat(0x10000) + "\r\n";
        try {
          for (int i = 0; i < 300; i++) {
            send(socket, part);
          }
        } catch (IOException e) {
          // The server hangs up as soon as it is too much.
        }
        String status = lineOrEmpty(socket);
        assertTrue(status.isEmpty() || status.startsWith("HTTP/1.1 413"), status);
      }
      try (Socket socket = connect(server)) {
        send(socket, "GET /health HTTP/1.1\r\nHost: a\r\nX: " + "y".repeat(40_000) + "\r\n\r\n");
        assertTrue(line(socket).startsWith("HTTP/1.1 4"));
      }
      try (Socket socket = connect(server)) {
        send(socket, "GET /health HTTP/1.1\r\nHost: a\r\n" + "X: 1\r\n".repeat(150) + "\r\n");
        assertTrue(line(socket).startsWith("HTTP/1.1 431"));
      }
      try (Socket socket = connect(server)) {
        StringBuilder head = new StringBuilder("GET /health HTTP/1.1\r\nHost: a\r\n");
        for (int i = 0; i < 150; i++) {
          head.append("X-").append(i).append(": 1\r\n");
        }
        send(socket, head + "\r\n");
        assertTrue(line(socket).startsWith("HTTP/1.1 431"));
      }
      assertEquals(200, server.get("/health").statusCode());
    }
  }

  private static String lineOrEmpty(Socket socket) {
    try {
      String line = line(socket);
      return line == null ? "" : line;
    } catch (IOException e) {
      return ""; // a reset
    }
  }

  /** Bytes that keep coming do not keep a connection open. */
  @Test
  void requestsThatArriveTooSlowlyAreGivenUp() throws Exception {
    try (TestServer server =
        new TestServer(
            SchedulerOptions.standard(),
            64,
            options -> options.withArrival(Duration.ofMillis(400)))) {
      for (String beginning :
          List.of(
              "",
              "GET /hea",
              "POST " + PATH + " HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\n\r\n{")) {
        try (Socket socket = connect(server)) {
          send(socket, beginning);
          boolean closed = false;
          for (int i = 0; i < 200 && !closed; i++) {
            Thread.sleep(50);
            closed = !stillOpen(socket, beginning);
          }
          assertTrue(closed, "still open after " + beginning);
        }
      }
    }
  }

  private static boolean stillOpen(Socket socket, String beginning) {
    try {
      if (!beginning.isEmpty()) {
        send(socket, "x");
      }
      socket.setSoTimeout(1);
      return socket.getInputStream().read() >= 0;
    } catch (SocketTimeoutException e) {
      return true;
    } catch (IOException e) {
      return false;
    }
  }

  @Test
  void keysAreAskedFor() throws Exception {
    try (TestServer server =
        new TestServer(
            SchedulerOptions.standard(),
            64,
            options -> ServerOptions.of("127.0.0.1", 0, List.of("first", "second")))) {
      assertEquals(200, server.get("/health").statusCode());
      HttpResponse<String> without = server.get("/v1/models");
      assertEquals(401, without.statusCode());
      assertTrue(without.body().contains("invalid_api_key"), without.body());
      for (String given : List.of("Bearer third", "Bearer ", "first", "Basic first")) {
        HttpRequest request = server.request("/v1/models").header("Authorization", given).build();
        assertEquals(401, server.send(request).statusCode(), given);
      }
      for (String given : List.of("Bearer first", "bearer second")) {
        HttpRequest request = server.request("/v1/models").header("Authorization", given).build();
        assertEquals(200, server.send(request).statusCode(), given);
      }
    }
  }

  @Test
  void anAnswerThatTakesTooLongIsCutOff() throws Exception {
    try (TestServer server =
        new TestServer(
            SchedulerOptions.standard(),
            200,
            options -> options.withRequestLimit(Duration.ofMillis(20)))) {
      HttpResponse<String> response = server.post(PATH, LONG + ", \"n\": 100}");
      assertEquals(504, response.statusCode(), response.body());
      server.awaitRest();
    }
  }

  @Test
  void drainingFinishesWhatRunsAndTakesNothingMore() throws Exception {
    try (TestServer server = slow();
        ExecutorService threads = Executors.newFixedThreadPool(8)) {
      String expected =
          server.answer(PATH, LONG + "}").get("choices").get(0).get("text").asString();
      List<Future<String>> streams = new ArrayList<>();
      for (int i = 0; i < 8; i++) {
        streams.add(
            threads.submit(() -> {
              StringBuilder text = new StringBuilder();
              server
                  .events(PATH, LONG + ", \"stream\": true}")
                  .forEach(e -> text.append(e.get("choices").get(0).get("text").asString()));
              return text.toString();
            }));
      }
      while (server.engine().pending() < 8 && !streams.getFirst().isDone()) {
        Thread.sleep(1);
      }
      assertTrue(server.engine().drain(TestServer.PATIENCE));
      assertEquals(EngineState.DRAINING, server.engine().state());
      assertEquals(503, server.post(PATH, LONG + "}").statusCode());
      HttpResponse<String> health = server.get("/health");
      assertEquals(503, health.statusCode());
      assertTrue(health.body().contains("draining"), health.body());
      for (Future<String> stream : streams) {
        assertEquals(expected, stream.get());
      }
      assertFalse(server.log().stream().anyMatch(line -> line.contains("failed")));
    }
  }
}
