package dev.graft.hub;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpServer;
import dev.graft.checkpoint.InvalidInputException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Pulls from a hub on loopback that cuts off, stalls, damages, refuses and redirects. */
class HubPullTest {
  private static final byte[] WEIGHTS = new byte[3_000_000];

  @TempDir Path folder;
  private LocalHub hub;
  private final Heard heard = new Heard();

  /** What a listener was told. */
  private static final class Heard implements HubListener {
    private long total;
    private long done;
    private final List<String> retries = new ArrayList<>();

    @Override
    public void begin(int files, long bytes, long already) {
      total = bytes;
      done = already;
    }

    @Override
    public void bytes(long count) {
      done += count;
    }

    @Override
    public void retry(String path, String reason) {
      retries.add(path + ": " + reason);
    }
  }

  @BeforeEach
  void fill() throws IOException {
    new Random(1).nextBytes(WEIGHTS);
    hub = new LocalHub();
    hub.small("config.json", "{\"hidden_size\": 4}");
    hub.large("model.safetensors", WEIGHTS);
    hub.large("pytorch_model.bin", new byte[10]);
    hub.small("modeling.py", "import os");
    hub.small("data/sub folder/test+é.csv", "a,b\n");
  }

  @AfterEach
  void stop() {
    hub.close();
  }

  private HubPull.Result pull(String token, String... include) throws IOException {
    return pull(Map.of("HF_ENDPOINT", hub.address(), "HF_TOKEN", token), include);
  }

  private HubPull.Result pull(Map<String, String> environment, String... include)
      throws IOException {
    HubRepository repository =
        new HubRepository(HubRepository.Kind.MODEL, "someone/something", "main");
    return HubPull.run(
        new HubPull.Request(repository, List.of(include), out()),
        environment,
        heard,
        Duration.ofMillis(1500),
        Duration.ofMillis(1));
  }

  private Path out() {
    return folder.resolve("out");
  }

  private Path weights() {
    return out().resolve("model.safetensors");
  }

  private Path part() throws IOException {
    try (Stream<Path> files = Files.list(out())) {
      return files.filter(file -> file.toString().endsWith(".part")).findFirst().orElseThrow();
    }
  }

  private List<String> ranges() {
    return hub.seen.stream()
        .filter(seen -> seen.host().equals("other"))
        .map(LocalHub.Seen::range)
        .toList();
  }

  private String refusal(String token) {
    return assertThrows(InvalidInputException.class, () -> pull(token)).getMessage();
  }

  @Test
  void everythingThatIsReadIsFetchedOnce() throws IOException {
    HubPull.Result result = pull("");
    assertEquals(
        new HubPull.Result(LocalHub.COMMIT, 3, 0, List.of("pytorch_model.bin", "modeling.py")),
        result);
    assertArrayEquals(WEIGHTS, Files.readAllBytes(weights()));
    assertEquals("{\"hidden_size\": 4}", Files.readString(out().resolve("config.json")));
    assertEquals("a,b\n", Files.readString(out().resolve("data/sub folder/test+é.csv")));
    try (Stream<Path> files = Files.walk(out())) {
      assertEquals(3, files.filter(Files::isRegularFile).count());
    }
    assertEquals(heard.total, heard.done);
    assertEquals(3, pull("").kept());
    assertEquals(1, ranges().size());
    Files.writeString(out().resolve("config.json"), "{\"hidden_size\": 5}");
    assertEquals(1, pull("").fetched());
    assertEquals("{\"hidden_size\": 4}", Files.readString(out().resolve("config.json")));
  }

  @Test
  void theTokenStaysWithTheHub() throws IOException {
    pull("secret");
    for (LocalHub.Seen seen : hub.seen) {
      assertEquals(seen.host().equals("hub") ? "Bearer secret" : "null", seen.authorization());
    }
    assertEquals(1, ranges().size());
  }

  @Test
  void aBodyThatIsCutOffIsGoneOnWith() throws IOException {
    hub.answers(LocalHub.Answer.CUT_OFF, LocalHub.Answer.CUT_OFF, LocalHub.Answer.FAILING);
    pull("");
    assertArrayEquals(WEIGHTS, Files.readAllBytes(weights()));
    List<Long> starts =
        ranges().stream().map(range -> Long.parseLong("0" + range.replaceAll("\\D", ""))).toList();
    assertEquals(4, starts.size());
    assertTrue(starts.get(0) == 0 && starts.get(1) > 1_000_000, starts::toString);
    assertTrue(starts.get(2) > starts.get(1), starts::toString);
    assertEquals(starts.get(2), starts.get(3));
    assertEquals(3, heard.retries.size());
    assertEquals(heard.total, heard.done);
  }

  @Test
  void aServerThatStallsIsAskedAgain() throws IOException {
    hub.answers(LocalHub.Answer.STALLED);
    pull("");
    assertArrayEquals(WEIGHTS, Files.readAllBytes(weights()));
    assertEquals(2, ranges().size());
    assertTrue(ranges().getLast().startsWith("bytes=1"), ranges()::toString);
  }

  @Test
  void aLaterRunGoesOnWhereOneWasKilled() throws IOException {
    LocalHub.Answer[] failing = new LocalHub.Answer[5];
    Arrays.fill(failing, LocalHub.Answer.FAILING);
    failing[0] = LocalHub.Answer.CUT_OFF;
    hub.answers(failing);
    IOException failure = assertThrows(IOException.class, () -> pull(""));
    assertTrue(failure.getMessage().contains("goes on where it stopped"), failure::getMessage);
    assertTrue(failure.getMessage().contains("503"), failure::getMessage);
    assertFalse(Files.exists(weights()));
    long there = Files.size(part());
    assertTrue(there > 1_000_000, () -> there + " bytes");
    hub.seen.clear();
    pull("");
    assertArrayEquals(WEIGHTS, Files.readAllBytes(weights()));
    assertEquals(List.of("bytes=" + there + "-"), ranges());
    assertEquals(heard.total, heard.done);
  }

  @Test
  void aServerWithoutRangesSendsItAllAgain() throws IOException {
    hub.answers(LocalHub.Answer.CUT_OFF, LocalHub.Answer.WITHOUT_RANGES);
    pull("");
    assertArrayEquals(WEIGHTS, Files.readAllBytes(weights()));
    assertEquals(heard.total, heard.done);
  }

  @Test
  void damageIsFoundAndNotKept() throws IOException {
    hub.answers(LocalHub.Answer.DAMAGED);
    IOException failure = assertThrows(IOException.class, () -> pull(""));
    assertTrue(failure.getMessage().contains("model.safetensors is damaged"), failure::getMessage);
    assertFalse(Files.exists(weights()));
    pull("");
    assertArrayEquals(WEIGHTS, Files.readAllBytes(weights()));
    assertEquals(List.of("null", "null"), ranges());
  }

  @Test
  void aDamagedStartIsFoundToo() throws IOException {
    hub.answers(LocalHub.Answer.CUT_OFF);
    pull("");
    Files.delete(weights());
    LocalHub.Listed listed = hub.files.get("model.safetensors");
    Path part =
        HubDownload.part(
            new HubFile(
                "model.safetensors",
                listed.size(),
                new HubFile.Checksum(HubFile.Algorithm.SHA_256, listed.oid())),
            weights());
    Files.write(part, new byte[1000]);
    IOException failure = assertThrows(IOException.class, () -> pull(""));
    assertTrue(failure.getMessage().contains("is damaged"), failure::getMessage);
    assertFalse(Files.exists(part));
    assertFalse(Files.exists(weights()));
  }

  @Test
  void refusalsSayWhatToDo() {
    hub.refuse(401);
    assertTrue(refusal("").contains("set the variable HF_TOKEN"), refusal(""));
    hub.refuse(403);
    assertTrue(refusal("t").contains("the token in HF_TOKEN may not read the model"), refusal("t"));
    assertTrue(refusal("t").contains("accept its conditions at " + hub.address()), refusal("t"));
    hub.refuse(404);
    assertTrue(refusal("").contains("for a data set add --dataset"), refusal(""));
    hub.refuse(500);
    IOException failure = assertThrows(IOException.class, () -> pull(""));
    assertTrue(failure.getMessage().contains("status 500"), failure::getMessage);
  }

  @Test
  void nobodyThereIsOneSentence() {
    String address = hub.address();
    hub.close();
    IOException failure = assertThrows(IOException.class, () -> pull(""));
    assertTrue(
        failure.getMessage().startsWith("could not reach " + address.substring(7)),
        failure::getMessage);
  }

  @Test
  void picklesAreRefusedByName() {
    String said = assertThrows(InvalidInputException.class, () -> pull("", "*.bin")).getMessage();
    assertTrue(
        said.startsWith("pytorch_model.bin of the model someone/something is a pickle"), said);
    assertTrue(ReadableForms.read("a/b.jsonl.gz"));
    assertFalse(ReadableForms.read("a/b.pkl.gz"));
    assertFalse(ReadableForms.read("a/b.zip"));
    assertFalse(ReadableForms.read(".gitattributes"));
  }

  @Test
  void globsChoose() throws IOException {
    assertEquals(1, pull("", "*.csv").fetched());
    assertEquals(1, pull("", "data/**").kept());
    assertEquals(1, pull("", "config.*").fetched());
    String said = assertThrows(InvalidInputException.class, () -> pull("", "*.txt")).getMessage();
    assertTrue(said.contains("matches --include *.txt"), said);
    said = assertThrows(InvalidInputException.class, () -> pull("", "[")).getMessage();
    assertTrue(said.contains("is no glob"), said);
  }

  @Test
  void pathsThatLeadOutAreRefused() throws IOException {
    hub.small("../evil.json", "{}");
    assertTrue(refusal("").contains("leads out of the folder"), refusal(""));
    hub.files.remove("../evil.json");
    Path elsewhere = Files.createDirectories(folder.resolve("elsewhere"));
    Files.createDirectories(out());
    Files.createSymbolicLink(out().resolve("data"), elsewhere);
    assertTrue(refusal("").contains("leads out of"), refusal(""));
    try (Stream<Path> files = Files.list(elsewhere)) {
      assertEquals(0, files.count());
    }
  }

  @Test
  void aDiskTooSmallIsSaidBeforeAnythingIsFetched() {
    byte[] some = new byte[10];
    hub.files.put("huge.gguf", new LocalHub.Listed(some, true, 1L << 60, "0".repeat(64)));
    IOException failure = assertThrows(IOException.class, () -> pull(""));
    assertTrue(failure.getMessage().contains("MB more, but its disk has"), failure::getMessage);
    assertEquals(0, ranges().size());
  }

  @Test
  void theProxyOfTheEnvironmentIsAsked() throws IOException {
    List<URI> asked = new CopyOnWriteArrayList<>();
    HttpServer proxy =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    proxy.createContext(
        "/",
        exchange -> {
          asked.add(exchange.getRequestURI());
          byte[] no = "no".getBytes(StandardCharsets.UTF_8);
          exchange.sendResponseHeaders(502, no.length);
          exchange.getResponseBody().write(no);
          exchange.close();
        });
    proxy.start();
    try {
      String address = "127.0.0.1:" + proxy.getAddress().getPort();
      Map<String, String> environment =
          Map.of("HF_ENDPOINT", "http://hub.invalid", "http_proxy", address);
      assertThrows(IOException.class, () -> pull(environment));
      assertEquals("hub.invalid", asked.getFirst().getHost());
      Map<String, String> excepted =
          Map.of(
              "HF_ENDPOINT", hub.address(), "HTTP_PROXY", address, "no_proxy", "x.org, 127.0.0.1");
      assertEquals(3, pull(excepted).fetched());
      assertEquals(1, asked.size());
    } finally {
      proxy.stop(0);
    }
    String said =
        assertThrows(
                InvalidInputException.class,
                () -> pull(Map.of("HF_ENDPOINT", hub.address(), "http_proxy", "socks5://x:1")))
            .getMessage();
    assertTrue(said.contains("set it to http://HOST:PORT"), said);
  }

  @Test
  void whatIsNoRepositoryOrEndpointIsRefused() {
    for (String id : List.of("a b", "a/b/c", "", "../x", "a/../b")) {
      assertThrows(
          InvalidInputException.class,
          () -> new HubRepository(HubRepository.Kind.MODEL, id, "main"),
          id);
    }
    String said =
        assertThrows(InvalidInputException.class, () -> pull(Map.of("HF_ENDPOINT", "hub")))
            .getMessage();
    assertTrue(said.startsWith("HF_ENDPOINT is 'hub'"), said);
  }
}
