package dev.graft.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The verb as a process: how it starts, and how it ends. */
class ServeCommandTest {
  private static final String LONG =
      "{\"prompt\": \"Once\", \"max_tokens\": 450, \"temperature\": 0, \"ignore_eos\": true,"
          + " \"stream\": true}";

  private static OwnProcess serve(String... more) throws IOException {
    List<String> args = new ArrayList<>();
    args.addAll(List.of("serve", Shared.path("models/stories260k").toString(), "--port", "0"));
    args.addAll(List.of(more));
    return OwnProcess.start(args.toArray(String[]::new));
  }

  private static HttpRequest completion(URI url, String body) {
    return HttpRequest.newBuilder(url.resolve("/v1/completions"))
        .timeout(Duration.ofMinutes(2))
        .POST(HttpRequest.BodyPublishers.ofString(body))
        .build();
  }

  @Test
  void sigtermLetsStreamsEndAndExitsWithZero() throws Exception {
    try (OwnProcess server = serve();
        HttpClient client = HttpClient.newHttpClient()) {
      URI url = URI.create(server.awaitAddress());
      List<CompletableFuture<HttpResponse<String>>> streams = new ArrayList<>();
      for (int i = 0; i < 8; i++) {
        streams.add(client.sendAsync(completion(url, LONG), HttpResponse.BodyHandlers.ofString()));
      }
      HttpRequest metrics = HttpRequest.newBuilder(url.resolve("/metrics")).build();
      for (boolean all = false; !all && !streams.getFirst().isDone(); ) {
        String text = client.send(metrics, HttpResponse.BodyHandlers.ofString()).body();
        all = text.contains("graft_sequences_running 8.0");
      }
      OwnProcess.signal("TERM", server.process().pid());
      for (CompletableFuture<HttpResponse<String>> stream : streams) {
        String body = stream.get().body();
        assertTrue(body.endsWith("data: [DONE]\n\n"), body);
        assertTrue(body.contains("\"finish_reason\":\"length\""), body);
      }
      assertEquals(0, server.awaitEnd());
    }
  }

  @Test
  void ranksThatAreProcessesServeTheSameText() throws Exception {
    JsonNode example =
        JsonMapper.shared()
            .readTree(Files.readString(Shared.path("golden/stories260k/golden.json")))
            .get("cases")
            .get(0);
    try (OwnProcess server = serve("--shares", "5,3", "--launch", "processes");
        HttpClient client = HttpClient.newHttpClient()) {
      ProcessHandle rank = server.awaitRank();
      URI url = URI.create(server.awaitAddress());
      String body =
          "{\"prompt\": " + example.get("prompt") + ", \"max_tokens\": 32, \"temperature\": 0}";
      HttpResponse<String> answer =
          client.send(completion(url, body), HttpResponse.BodyHandlers.ofString());
      assertEquals(
          example.get("greedy_32_text"),
          JsonMapper.shared().readTree(answer.body()).get("choices").get(0).get("text"));

      CompletableFuture<HttpResponse<String>> stream =
          client.sendAsync(
              completion(url, LONG.replace("\"stream\": true", "\"n\": 100")),
              HttpResponse.BodyHandlers.ofString());
      Thread.sleep(200);
      rank.destroyForcibly();
      HttpResponse<String> failed = stream.get();
      assertEquals(500, failed.statusCode(), failed.body());
      assertTrue(failed.body().contains("rank 1 of 2 was lost"), failed.body());
      assertEquals(1, server.awaitEnd());
      String said = server.err().lines().reduce((a, b) -> b).orElse("");
      assertEquals("graft: rank 1 of 2 was lost: its process was ended by signal 9", said);
    }
  }

  @Test
  void whatCannotBeServedIsSaidInOneSentence() throws Exception {
    Path model = Shared.path("models/stories260k");
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      String port = Integer.toString(taken.getLocalPort());
      Captured run = Captured.run("serve", model.toString(), "--port", port);
      assertEquals(1, run.code(), run.err());
      assertTrue(run.err().contains("cannot listen on 127.0.0.1:" + port), run.err());
      assertTrue(run.err().contains("--port"), run.err());
    }
    for (List<String> wrong :
        List.of(
            List.of("--port", "70000"),
            List.of("--max-context", "1"),
            List.of("--max-sequences", "0"),
            List.of("--api-key", ""),
            List.of("--model-name", " "),
            List.of("--memory", "1kB"),
            List.of("--memory", "much"))) {
      List<String> args = new ArrayList<>(List.of("serve", model.toString()));
      args.addAll(wrong);
      Captured run = Captured.run(args.toArray(String[]::new));
      assertEquals(2, run.code(), run.err());
      assertTrue(run.err().contains(wrong.getFirst()), run.err());
    }
  }
}
