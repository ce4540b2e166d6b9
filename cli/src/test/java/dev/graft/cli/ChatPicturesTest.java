package dev.graft.cli;

import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.graft.checkpoint.Gating;
import dev.graft.upcycle.Upcycle;
import dev.graft.upcycle.UpcycleOptions;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Future;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.openqa.selenium.OutputType;
import org.openqa.selenium.TakesScreenshot;
import tools.jackson.databind.json.JsonMapper;

/**
 * A conversation with a real model in a real browser: SmolLM2 as a mixture of eight experts, which
 * computes the dense model's function. What the page looks like then is the README's picture
 * ({@code scripts/screenshot-chat}).
 */
class ChatPicturesTest {
  private static final Path PICTURES = Path.of("target/pictures");

  @TempDir private Path folder;

  @Test
  void aConversationIsSentStreamedStoppedAndRegenerated() throws Exception {
    Path smollm2 = OwnProcess.smollm2();
    try (Browser browser = Browser.open()) {
      Path moe = folder.resolve("smollm2-8x");
      UpcycleOptions eight =
          new UpcycleOptions(
              8, 2, Gating.NORMALIZED, 1.0, List.of(), 0, 0, false, 1, 5_000_000_000L);
      Upcycle.run(smollm2, moe, eight, bytes -> {});
      try (OwnProcess server =
              OwnProcess.start("serve", moe.toString(), "--port", "0", "--max-context", "2048");
          HttpClient others = HttpClient.newHttpClient()) {
        String address = server.awaitAddress();
        ChatPage page = new ChatPage(browser, address);
        page.settings(Map.of("temperature", 0, "max_completion_tokens", 200));
        browser.viewport(1280, 1040, false);
        page.send("What is photosynthesis?");
        browser.await("it streams", none -> page.answer().length() > 20);
        browser.one("#stop").click();
        page.awaitAnswers(1);
        assertTrue(browser.text(".turn.answer .statistics").endsWith("stopped"));
        browser.one("[aria-label='Regenerate answer']").click();
        page.awaitAnswers(1);
        assertTrue(page.answer().startsWith("Photosynthesis is "), page.answer());
        page.send("Write a Python function that checks whether a word is a palindrome.");
        page.awaitAnswers(2);
        assertTrue(browser.text(".markdown pre").contains("def is_palindrome(word):"));
        assertTrue(
            browser
                .text(".turn.answer:last-child .statistics")
                .matches("[0-9]+ tokens · [0-9.]+ tokens/s · .*"));
        pictures(browser, others, address);
        browser.requireQuiet();
      }
    }
  }

  /** While other clients are being served, too. */
  private static void pictures(Browser browser, HttpClient others, String address)
      throws IOException {
    List<Future<HttpResponse<String>>> answers = new ArrayList<>();
    for (int words = 1; words <= 5; words++) {
      String body =
          JsonMapper.shared()
              .writeValueAsString(
                  Map.of(
                      "prompt",
                      "The tree grows. ".repeat(12 * words),
                      "max_tokens",
                      1500,
                      "ignore_eos",
                      true));
      HttpRequest request =
          HttpRequest.newBuilder(URI.create(address + "/v1/completions"))
              .header("Content-Type", "application/json")
              .POST(HttpRequest.BodyPublishers.ofString(body))
              .build();
      answers.add(others.sendAsync(request, HttpResponse.BodyHandlers.ofString()));
    }
    browser.await(
        "the others",
        none ->
            browser
                .script(
                    """
                    const written = [...document.querySelectorAll('.sequences td:nth-child(3)')];
                    return written.length === 5 && written.every((cell) => parseInt(cell.textContent) > 20);
                    """)
                .equals(true));
    browser.await("the experts", none -> browser.text(".busiest").startsWith("Busiest: "));
    Files.createDirectories(PICTURES);
    picture(browser, "chat");
    browser.media("prefers-color-scheme", "dark");
    picture(browser, "chat-dark");
    browser.media("prefers-color-scheme", "light");
    browser.viewport(390, 844, true);
    picture(browser, "chat-phone");
    browser.one("#toggle-live").click();
    browser.await("the experts", none -> browser.one(".experts canvas").isDisplayed());
    picture(browser, "chat-phone-live");
    answers.forEach(answer -> answer.cancel(true));
  }

  private static void picture(Browser browser, String name) throws IOException {
    byte[] png = ((TakesScreenshot) browser.driver()).getScreenshotAs(OutputType.BYTES);
    Files.write(PICTURES.resolve(name + ".png"), png);
  }
}
