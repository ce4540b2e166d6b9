package dev.graft.cli;

import java.util.Map;
import org.openqa.selenium.Keys;
import tools.jackson.databind.json.JsonMapper;

/** What a person does at the chat page. */
record ChatPage(Browser browser, String address) {
  /** Loads the page and waits for the server. */
  void visit() {
    browser.driver().get(address);
    browser.await(
        "the server is ready",
        page -> "ready".equals(browser.one("#health").getDomAttribute("data-state")));
  }

  /** Keeps settings as the page does, then loads the page anew. */
  void settings(Map<String, Object> values) {
    visit();
    browser.script(
        "localStorage.setItem('graft.settings', arguments[0])",
        JsonMapper.shared().writeValueAsString(values));
    visit();
  }

  void send(String text) {
    browser.one("#message").sendKeys(text, Keys.ENTER);
  }

  /** Waits until there are so many answers and none is being written. */
  void awaitAnswers(int answers) {
    browser.await(
        answers + " answers",
        page ->
            browser.all(".turn.answer").size() == answers
                && browser.all(".turn.answer[aria-busy]").isEmpty());
  }

  /** Text of the last answer. */
  String answer() {
    return browser.text(".turn.answer:last-child .markdown");
  }
}
