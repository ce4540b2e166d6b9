package dev.graft.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.graft.checkpoint.Gating;
import dev.graft.upcycle.Upcycle;
import dev.graft.upcycle.UpcycleOptions;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.openqa.selenium.Keys;
import org.openqa.selenium.interactions.Actions;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/** The chat page in a real browser, on the real server with a small mixture of experts. */
class PageTest {
  private static final String KEY = "a key for the test";

  /** Headings, code and a table wider than a phone, and markup that must stay text. */
  private static final String HOSTILE =
      """
      ## Title

      ```python
      %s
      ```

      | %s | b |
      |---|--:|
      | 1 | 2 |

      - [x] done

      <img src=x onerror=document.title='evil'><script>document.title='evil'</script>
      ![picture](http://elsewhere.invalid/x.png) [evil](javascript:document.title='evil') [good](https://example.org/)
      %s
      """
          .formatted(
              "x".repeat(300), "wide ".repeat(40).strip().replace(' ', '_'), "y".repeat(300));

  @TempDir private static Path folder;
  private static OwnProcess server;
  private static String address;
  private Browser browser;
  private ChatPage page;

  @BeforeAll
  static void serve() throws IOException {
    server = OwnProcess.start("serve", model().toString(), "--port", "0", "--max-context", "8192");
    address = server.awaitAddress();
  }

  /** A mixture that writes fast and never ends by itself: its answers go on to the last token. */
  private static Path model() throws IOException {
    Path source = Shared.path("models/stories260k");
    Path dense = Files.createDirectories(folder.resolve("dense"));
    for (String file : List.of("model.safetensors", "tokenizer.json")) {
      Files.copy(source.resolve(file), dense.resolve(file));
    }
    ObjectNode config = json(source.resolve("config.json"));
    config.put("max_position_embeddings", 8192);
    config.remove("eos_token_id");
    Files.writeString(dense.resolve("config.json"), config.toString());
    Path moe = folder.resolve("stories-moe");
    Upcycle.run(
        dense,
        moe,
        new UpcycleOptions(4, 2, Gating.SOFTMAX, 1.0, List.of(), 0, 0, false, 1, 5_000_000_000L),
        bytes -> {});
    ObjectNode tokenizer = json(source.resolve("tokenizer_config.json"));
    tokenizer.remove("eos_token");
    tokenizer.put(
        "chat_template", "{% for m in messages %}{{ m.content }} {% endfor %}Once upon a time");
    Files.writeString(moe.resolve("tokenizer_config.json"), tokenizer.toString());
    return moe;
  }

  private static ObjectNode json(Path file) throws IOException {
    return (ObjectNode) JsonMapper.shared().readTree(Files.readString(file));
  }

  @AfterAll
  static void stop() {
    if (server != null) {
      server.close();
    }
  }

  @BeforeEach
  void open() {
    browser = Browser.open();
    page = new ChatPage(browser, address);
    page.visit();
  }

  @AfterEach
  void close() {
    if (browser != null) {
      browser.close();
    }
  }

  /** Bodies of the chats that the page has asked for since the last question. */
  private List<JsonNode> chats() {
    return browser.events("Network.requestWillBeSent").stream()
        .map(event -> event.path("request"))
        .filter(request -> request.path("url").asString("").endsWith("/v1/chat/completions"))
        .map(request -> JsonMapper.shared().readTree(request.path("postData").asString()))
        .toList();
  }

  @Test
  void anAnswerStreamsAndIsCounted() {
    page.settings(Map.of("max_completion_tokens", 300, "temperature", 0));
    browser.script(
        """
        window.lengths = [];
        new MutationObserver(() => {
          const text = document.querySelector('.turn.answer .markdown')?.textContent ?? '';
          if (text.length > (window.lengths.at(-1) ?? 0)) window.lengths.push(text.length);
        }).observe(document.getElementById('messages'), {childList: true, subtree: true, characterData: true});
        """);
    page.send("Tell me a story.");
    page.awaitAnswers(1);
    List<?> lengths = (List<?>) browser.script("return window.lengths");
    assertTrue(lengths.size() >= 3, "the answer came in pieces: " + lengths);
    assertTrue(page.answer().length() > 200, page.answer());
    assertEquals("Tell me a story.", browser.text(".turn.user .bubble"));
    String line = browser.text(".turn.answer .statistics");
    assertTrue(
        line.matches(
            "300 tokens · [0-9.,]+ tokens/s · first after [0-9.]+ s · prompt [0-9]+ tokens"
                + " · ended at the limit of tokens"),
        line);
    assertTrue(browser.text("#announcer").contains(page.answer().strip().substring(0, 40)));
    assertEquals("message", browser.focused().getDomAttribute("id"));
    browser.requireQuiet();
  }

  @Test
  void stopEndsTheAnswerHereAndOnTheServer() {
    page.send("Tell me a long story.");
    browser.await("the answer begins", none -> page.answer().length() > 40);
    browser.one("#stop").click();
    page.awaitAnswers(1);
    String text = page.answer();
    assertTrue(browser.text(".turn.answer .statistics").endsWith("stopped"));
    browser.await("nothing runs", none -> browser.text(".figures").startsWith("tokens/s0"));
    assertEquals(text, page.answer());
    assertTrue(browser.one("#send").isDisplayed());
    browser.requireQuiet();
  }

  @Test
  void regenerateReplacesTheLastAnswer() {
    page.settings(Map.of("max_completion_tokens", 40, "temperature", 1.5));
    page.send("One.");
    page.awaitAnswers(1);
    page.send("Two.");
    page.awaitAnswers(2);
    String before = page.answer();
    List<JsonNode> first = chats();
    browser.one(".turn.answer:last-child [aria-label='Regenerate answer']").click();
    page.awaitAnswers(2);
    browser.await(
        "another text", none -> !page.answer().isEmpty() && !page.answer().equals(before));
    assertEquals(List.of(first.getLast()), chats());
    assertEquals(4, browser.all(".turn").size());
    assertEquals(1, visible("[aria-label='Regenerate answer']"));
  }

  private long visible(String selector) {
    return browser.all(selector).stream().filter(found -> found.isDisplayed()).count();
  }

  @Test
  void anEditedMessageStartsTheConversationFromThere() {
    page.settings(Map.of("max_completion_tokens", 8));
    page.send("One.");
    page.awaitAnswers(1);
    page.send("Two.");
    page.awaitAnswers(2);
    var _ = chats();
    browser.script("document.querySelector(\"[aria-label='Edit message']\").click()");
    browser.focused().sendKeys(" And a half.", Keys.ENTER);
    page.awaitAnswers(1);
    JsonNode messages = chats().getLast().path("messages");
    assertEquals(1, messages.size());
    assertEquals("One. And a half.", messages.path(0).path("content").asString());
  }

  @Test
  void theConversationOutlivesAReloadAndCanBeTakenUpAgain() {
    page.settings(Map.of("max_completion_tokens", 12, "temperature", 0));
    page.send("Remember this.");
    page.awaitAnswers(1);
    String text = page.answer();
    page.visit();
    assertEquals(text, page.answer());
    browser.one("#new-conversation").click();
    assertEquals(0, browser.all(".turn").size());
    browser.one(".welcome .quiet").click();
    assertEquals(text, page.answer());
  }

  @Test
  void settingsAreKeptAndSent() {
    browser.one("#toggle-settings").click();
    browser.one("#setting-system").sendKeys("You are brief.");
    browser.one("#setting-temperature").sendKeys("0.5");
    browser.one("#setting-top_p").sendKeys("0.9");
    browser.one("#setting-top_k").sendKeys("20");
    browser.one("#setting-min_p").sendKeys("0.05");
    browser.one("#setting-repetition_penalty").sendKeys("1.1");
    browser.one("#setting-max_completion_tokens").sendKeys("6");
    browser.one("#setting-seed").sendKeys("7");
    browser.one("#setting-stop").sendKeys("zebra", Keys.ENTER, "\\n\\n\\n");
    page.visit();
    page.send("Hello.");
    page.awaitAnswers(1);
    JsonNode body = chats().getLast();
    assertEquals(
        JsonMapper.shared()
            .readTree(
                """
                {"messages": [{"role": "system", "content": "You are brief."},
                              {"role": "user", "content": "Hello."}],
                 "temperature": 0.5, "top_p": 0.9, "top_k": 20, "min_p": 0.05, "repetition_penalty": 1.1,
                 "max_completion_tokens": 6, "seed": 7, "stop": ["zebra", "\\n\\n\\n"],
                 "model": "stories-moe", "stream": true, "stream_options": {"include_usage": true}}
                """),
        body);
    browser.one("#toggle-settings").click();
    browser.one("#toggle-settings").click();
    browser.one("#setting-top_p").sendKeys(Keys.chord(Keys.CONTROL, "a"), "3");
    assertEquals("true", browser.one("#setting-top_p").getDomAttribute("aria-invalid"));
    browser.one("#settings .quiet").click();
    assertEquals("{}", browser.script("return localStorage.getItem('graft.settings')"));
  }

  @Test
  void everythingCanBeDoneByKeyboard() {
    page.settings(Map.of("max_completion_tokens", 4000));
    browser.script("document.querySelector('.skip').focus()");
    Actions keys = new Actions(browser.driver());
    List<String> order = new ArrayList<>();
    for (int i = 0; i < 3; i++) {
      keys.sendKeys(Keys.TAB).perform();
      order.add(browser.focused().getDomAttribute("id"));
    }
    assertEquals(List.of("new-conversation", "toggle-settings", "toggle-live"), order);
    keys.keyDown(Keys.SHIFT).sendKeys(Keys.TAB).keyUp(Keys.SHIFT).perform();
    keys.sendKeys(Keys.ENTER).perform();
    assertEquals("settings-panel", browser.focused().getDomAttribute("id"));
    keys.sendKeys(Keys.TAB).perform();
    assertEquals("Close settings", browser.focused().getAccessibleName());
    keys.sendKeys(Keys.ENTER).perform();
    assertFalse(browser.one("#settings-panel").isDisplayed());
    assertEquals("toggle-settings", browser.focused().getDomAttribute("id"));
    browser.script("document.querySelector('.skip').focus()");
    keys.sendKeys(Keys.ENTER).perform();
    assertEquals("message", browser.focused().getDomAttribute("id"));
    keys.sendKeys("One line").keyDown(Keys.SHIFT).sendKeys(Keys.ENTER).keyUp(Keys.SHIFT).perform();
    keys.sendKeys("and another", Keys.ENTER).perform();
    browser.await("the answer begins", none -> !page.answer().isEmpty());
    assertEquals("One line\nand another", browser.text(".turn.user .bubble"));
    keys.sendKeys(Keys.ESCAPE).perform();
    page.awaitAnswers(1);
    assertTrue(browser.text(".turn.answer .statistics").endsWith("stopped"));
    keys.keyDown(Keys.SHIFT).sendKeys(Keys.TAB).keyUp(Keys.SHIFT).perform();
    assertEquals("Regenerate answer", browser.focused().getAccessibleName());
    keys.sendKeys(Keys.ENTER).perform();
    assertEquals("message", browser.focused().getDomAttribute("id"));
    browser.await("it is written anew", none -> !browser.all("[aria-busy]").isEmpty());
    keys.sendKeys(Keys.ESCAPE).perform();
    page.awaitAnswers(1);
  }

  @Test
  void aPhoneNeverScrollsSideways() {
    page.settings(Map.of("max_completion_tokens", 30));
    browser.viewport(390, 844, true);
    show(HOSTILE);
    assertNarrow();
    page.send("Go on.");
    page.awaitAnswers(2);
    assertNarrow();
    for (String panel : List.of("settings", "live")) {
      browser.one("#toggle-" + panel).click();
      assertTrue(browser.one("#" + panel + "-panel").isDisplayed());
      assertEquals(true, browser.script("return document.getElementById('chat').inert"));
      assertNarrow();
    }
    assertFalse(browser.one("#settings-panel").isDisplayed());
    new Actions(browser.driver()).sendKeys(Keys.ESCAPE).perform();
    assertFalse(browser.one("#live-panel").isDisplayed());
    assertEquals("toggle-live", browser.focused().getDomAttribute("id"));
    browser.viewport(320, 568, true);
    assertNarrow();
  }

  private void assertNarrow() {
    assertEquals(
        List.of(),
        browser.script(
            """
            const width = document.documentElement.clientWidth;
            const wide = [document.documentElement, document.body, ...document.querySelectorAll('#scroller, .panel')];
            return wide.filter((node) => node.scrollWidth > Math.max(width, node.clientWidth))
              .map((node) => `${node.tagName} ${node.id}: ${node.scrollWidth}`);
            """));
  }

  /** An answer as if the model had written it. */
  private void show(String text) {
    browser.script(
        "sessionStorage.setItem('graft.conversation', arguments[0])",
        JsonMapper.shared()
            .writeValueAsString(
                List.of(
                    Map.of("role", "user", "content", "Show me."),
                    Map.of("role", "assistant", "content", text, "end", "stop"))));
    page.visit();
  }

  @Test
  void markupOfTheModelStaysText() {
    show(HOSTILE);
    assertEquals("Title", browser.text(".markdown h3"));
    assertEquals("2", browser.text(".markdown td[align=right]"));
    assertEquals("x".repeat(300), browser.text(".markdown pre code").strip());
    assertTrue(browser.text(".markdown ul").contains("☑ done"));
    assertEquals(0, browser.all(".markdown img, .markdown script, .markdown [onerror]").size());
    assertTrue(page.answer().contains("<img src=x onerror="));
    assertEquals(
        "[\"http://elsewhere.invalid/x.png\",null,\"https://example.org/\"]",
        browser.script(
            "return JSON.stringify([...document.querySelectorAll('.markdown a')].map((a) =>"
                + " a.getAttribute('href')))"));
    assertNotEquals("evil", browser.driver().getTitle());
    browser.requireQuiet();
  }

  @Test
  void noOtherHostIsAskedAndNothingElseRuns() {
    page.settings(Map.of("max_completion_tokens", 20));
    show(HOSTILE);
    page.send("Go on.");
    page.awaitAnswers(2);
    List<String> urls =
        browser.events("Network.requestWillBeSent").stream()
            .map(event -> event.path("request").path("url").asString())
            .toList();
    assertTrue(urls.contains(address + "/page/main.js"), urls.toString());
    assertEquals(
        List.of(),
        urls.stream()
            .filter(url -> !url.startsWith(address + "/") && !url.equals("data:,"))
            .toList());
    browser.script(
        """
        window.blocked = [];
        document.addEventListener('securitypolicyviolation', (event) => window.blocked.push(event.effectiveDirective));
        const script = document.createElement('script');
        script.textContent = 'window.ran = true';
        document.body.append(script);
        const picture = document.createElement('img');
        picture.src = 'http://elsewhere.invalid/x.png';
        document.body.append(picture);
        """);
    browser.await(
        "the policy holds",
        page ->
            List.of("script-src-elem", "img-src").equals(browser.script("return window.blocked")));
    assertEquals(true, browser.script("return window.ran === undefined"));
  }

  @Test
  void theLiveViewShowsBatchPagesAndExperts() {
    page.settings(Map.of("max_completion_tokens", 4000));
    page.send("Tell me a long story.");
    browser.await(
        "the sequence of this page", none -> browser.text(".sequences").contains("this page"));
    browser.await("a rate", none -> browser.text(".figures").matches(".*running1 of [0-9]+.*"));
    browser.await("the experts", none -> browser.one(".experts canvas").isDisplayed());
    browser.await("the busiest", none -> browser.text(".busiest").startsWith("Busiest: expert "));
    assertTrue(
        String.valueOf(browser.one(".experts canvas").getDomAttribute("aria-label"))
            .startsWith("Load of 4 experts in 5 layers."));
    assertEquals(
        true,
        browser.script(
            """
            const canvas = document.querySelector('.experts canvas');
            const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
            const colors = new Set();
            for (let i = 0; i < data.length; i += 4) colors.add(`${data[i]},${data[i + 1]},${data[i + 2]}`);
            return colors.size > 5;
            """));
    new Actions(browser.driver()).moveToElement(browser.one(".experts canvas")).perform();
    assertTrue(
        browser
            .text(".detail")
            .matches("Layer 2, expert [12]: [0-9]+ % of the layer’s assignments, .*"),
        browser.text(".detail"));
    browser.one("#stop").click();
    page.awaitAnswers(1);
    browser.await(
        "an empty batch", none -> browser.text(".sequences").contains("nothing is running"));
  }

  @Test
  void anErrorOfTheServerIsOneLineAndCanBeRetried() {
    browser.script("document.getElementById('message').value = arguments[0]", "word ".repeat(9000));
    page.send("!");
    browser.await("the error", none -> !browser.all(".alert p").isEmpty());
    assertTrue(browser.text(".alert p").contains("context"), browser.text(".alert p"));
    assertFalse(browser.text(".alert p").contains("\n"));
    var _ = chats();
    browser.one(".alert button").click();
    browser.await("it is asked again", none -> !chats().isEmpty());
    browser.await("the error again", none -> !browser.all(".alert p").isEmpty());
    assertEquals(1, browser.all(".turn.answer").size());
  }

  @Test
  void aKeyIsAskedForOnce() throws IOException {
    try (OwnProcess keyed =
        OwnProcess.start(
            "serve", folder.resolve("stories-moe").toString(), "--port", "0", "--api-key", KEY)) {
      browser.driver().get(keyed.awaitAddress());
      browser.await("the question", none -> browser.one("#key-dialog").isDisplayed());
      browser.focused().sendKeys("wrong", Keys.ENTER);
      browser.await("no", none -> browser.text("#key-reason").startsWith("The server did not"));
      browser.await("asked again", none -> browser.one("#key-dialog").isDisplayed());
      browser.focused().sendKeys(KEY, Keys.ENTER);
      browser.await("the model", none -> browser.text("#model").equals("stories-moe"));
      browser.script("localStorage.setItem('graft.settings', '{\"max_completion_tokens\": 9}')");
      browser.driver().navigate().refresh();
      browser.await("the model", none -> browser.text("#model").equals("stories-moe"));
      page.send("Hello.");
      page.awaitAnswers(1);
      assertFalse(browser.one("#key-dialog").isDisplayed());
      assertTrue(browser.text(".turn.answer .statistics").startsWith("9 tokens"));
    }
  }

  @Test
  void axeFindsNothingToMend() throws IOException {
    page.settings(Map.of("max_completion_tokens", 20));
    assertAccessible("empty, light");
    show(HOSTILE);
    browser.one("#toggle-settings").click();
    assertAccessible("both panels, light");
    browser.media("prefers-color-scheme", "dark");
    assertAccessible("both panels, dark");
    browser.viewport(390, 844, true);
    assertAccessible("phone");
    browser.one("#toggle-live").click();
    assertAccessible("phone, live");
  }

  private void assertAccessible(String what) throws IOException {
    try (InputStream axe = PageTest.class.getResourceAsStream("/axe.min.js")) {
      browser.script(new String(axe.readAllBytes(), StandardCharsets.UTF_8));
    }
    browser.script(
        """
        window.found = undefined;
        axe.run().then((results) => {
          window.found = results.violations.flatMap(({id, nodes}) => nodes.map((node) => `${id}: ${node.html} ${node.failureSummary}`));
        });
        """);
    Object found = browser.await("axe", none -> browser.script("return window.found"));
    assertEquals(List.of(), found, what);
  }

  @Test
  void nothingMovesForThoseWhoAskForThat() {
    String moving = "return getComputedStyle(document.querySelector('.bar i')).transitionDuration";
    assertEquals("0.3s", browser.script(moving));
    browser.media("prefers-reduced-motion", "reduce");
    assertEquals("0s", browser.script(moving));
  }
}
