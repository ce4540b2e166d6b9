package dev.graft.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpServer;
import dev.graft.peers.Shared;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** {@code graft eval --server}: the numbers of a served model are those of its directory. */
class EvalServerTest {
  @TempDir Path folder;

  private List<String> tasks() throws IOException {
    Files.writeString(
        folder.resolve("q.jsonl"),
        """
        {"q": "Once upon a time there was a little", "c": ["girl", "xylophone concert"], "a": 0}
        {"q": "The dog wanted to ", "c": ["play with the ball", "if"], "a": 0}
        {"q": "Lily saw a cat.\\nShe was", "c": ["very happy", "table"], "a": 1}
        """);
    Path choose =
        Files.writeString(
            folder.resolve("choose.yaml"),
            """
            task: choose
            output_type: multiple_choice
            doc_to_text: q
            doc_to_choice: c
            doc_to_target: a
            metric_list: [{metric: acc}, {metric: acc_norm}]
            dataset: {test: q.jsonl}
            """);
    Path write =
        Files.writeString(
            folder.resolve("write.yaml"),
            """
            task: write
            output_type: generate_until
            doc_to_text: q
            doc_to_target: "{{c[0]}}"
            generation_kwargs: {until: ["1", "2", "3", "4", ".", "\\n"], max_gen_toks: 24}
            metric_list: [{metric: exact_match, ignore_case: true}]
            dataset: {test: q.jsonl}
            """);
    Path roll =
        Files.writeString(
            folder.resolve("roll.yaml"),
            """
            task: roll
            output_type: loglikelihood_rolling
            doc_to_target: q
            metric_list: [{metric: word_perplexity}]
            dataset: {test: q.jsonl}
            """);
    return List.of(choose.toString(), write.toString(), roll.toString());
  }

  private Map<String, JsonNode> run(String name, List<String> tasks, String... model)
      throws IOException {
    List<String> args = new ArrayList<>(List.of("eval"));
    args.addAll(List.of(model));
    Path out = folder.resolve(name + ".json");
    Path page = folder.resolve(name + ".html");
    args.addAll(List.of("--tasks", String.join(",", tasks), "--out", out.toString()));
    args.addAll(List.of("--report", page.toString()));
    Captured run = Captured.run(args.toArray(String[]::new));
    assertEquals(0, run.code(), run.err());
    assertTrue(Files.readString(page).contains("Skywork-MoE technical report"));
    Captured report =
        Captured.run("report", out.toString(), "--out", folder.resolve("again.html").toString());
    assertEquals(0, report.code(), report.err());
    Map<String, JsonNode> items = new TreeMap<>();
    for (String line : Files.readAllLines(folder.resolve(name + ".items.jsonl"))) {
      JsonNode item = JsonMapper.shared().readTree(line);
      items.put(item.get("task").asString() + item.get("doc").asInt(), item);
    }
    return items;
  }

  private static void assertSame(Map<String, JsonNode> expected, Map<String, JsonNode> actual) {
    assertEquals(expected.keySet(), actual.keySet());
    for (String key : expected.keySet()) {
      JsonNode engine = expected.get(key);
      JsonNode served = actual.get(key);
      assertEquals(engine.path("text"), served.path("text"), key);
      assertEquals(engine.path("choice"), served.path("choice"), key);
      assertLikelihood(engine.path("rolled"), served.path("rolled"), key);
      assertEquals(engine.path("choices").size(), served.path("choices").size());
      for (int i = 0; i < engine.path("choices").size(); i++) {
        assertLikelihood(engine.path("choices").get(i), served.path("choices").get(i), key);
      }
    }
  }

  private static void assertLikelihood(JsonNode engine, JsonNode served, String key) {
    assertEquals(
        engine.path("loglikelihood").asDouble(0),
        served.path("loglikelihood").asDouble(0),
        1e-4,
        key);
    assertEquals(engine.path("tokens"), served.path("tokens"), key);
    assertEquals(engine.path("greedy"), served.path("greedy"), key);
  }

  @Test
  void aServedModelIsTheModelOfItsDirectory() throws Exception {
    String model = Shared.path("models/stories260k").toString();
    List<String> tasks = tasks();
    Map<String, JsonNode> engine = run("engine", tasks, model);
    assertEquals(9, engine.size());
    try (OwnProcess server = OwnProcess.start("serve", model, "--port", "0")) {
      String url = server.awaitAddress();
      assertSame(
          engine, run("ids", tasks, "--server", url, "--tokenizer", model, "--max-context", "512"));
      // As text: the server's own tokens, and no whole texts.
      Map<String, JsonNode> text =
          run("text", tasks.subList(0, 2), "--server", url + "/v1/", "--model", "stories260k");
      engine.keySet().removeIf(key -> key.startsWith("roll"));
      assertSame(engine, text);
      assertRefused("--tokenizer", "--server", url, "--tasks", tasks.get(2));
      assertRefused("no such model", "--server", url, "--model", "gpt-0", "--tasks", tasks.get(0));
      OwnProcess.signal("TERM", server.process().pid());
      server.awaitEnd();
    }
  }

  private static void assertRefused(String expected, String... args) {
    List<String> command = new ArrayList<>(List.of("eval"));
    command.addAll(List.of(args));
    Captured run = Captured.run(command.toArray(String[]::new));
    assertEquals(2, run.code(), run.err());
    assertTrue(run.err().contains(expected), run.err());
  }

  @Test
  void aBusyServerIsAskedAgainAndOneWithoutEchoRefused() throws IOException {
    AtomicInteger asked = new AtomicInteger();
    HttpServer server =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext(
        "/v1/completions",
        exchange -> {
          boolean busy = asked.incrementAndGet() == 1;
          byte[] body =
              (busy
                      ? "{\"error\": {\"message\": \"busy\"}}"
                      : "{\"choices\": [{\"text\": \"girl. And\"}], \"usage\": {\"prompt_tokens\": 3}}")
                  .getBytes(StandardCharsets.UTF_8);
          exchange.getRequestBody().readAllBytes();
          exchange.sendResponseHeaders(busy ? 503 : 200, body.length);
          exchange.getResponseBody().write(body);
          exchange.close();
        });
    server.start();
    try {
      String url = "http://127.0.0.1:" + server.getAddress().getPort();
      List<String> tasks = tasks();
      Map<String, JsonNode> items =
          run("busy", tasks.subList(1, 2), "--server", url, "--model", "m");
      // the strings beyond OpenAI's four end an answer, too
      assertEquals("girl", items.get("write0").get("text").asString());
      assertTrue(asked.get() >= 4, asked::toString);
      assertRefused("echo with logprobs", "--server", url, "--model", "m", "--tasks", tasks.get(0));
    } finally {
      server.stop(0);
    }
  }

  @Test
  void whatDoesNotFitTogetherIsRefused() throws IOException {
    String task = tasks().get(0);
    String model = Shared.path("models/stories260k").toString();
    assertRefused("give its directory, or --server URL", "--tasks", task);
    assertRefused("leave out the directories", model, "--server", "http://x", "--tasks", task);
    assertRefused("are of a --server", model, "--model", "m", "--tasks", task);
    assertRefused("give an address", "--server", "x", "--model", "m", "--tasks", task);
    assertRefused("--allow-code-execution", model, "--tasks", "humaneval");
  }
}
