package dev.graft.text;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.graft.checkpoint.InvalidInputException;
import dev.graft.checkpoint.Models;
import dev.graft.peers.PeerPython;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

class ChatTemplateTest {
  private static final ZonedDateTime NOON =
      ZonedDateTime.of(2026, 3, 4, 12, 5, 6, 0, ZoneOffset.UTC);

  private static final Document.Message SYSTEM = new Document.Message("system", "Be brief. ");
  private static final Document.Message USER = new Document.Message("user", "Hi {{ 7 * 7 }}");
  private static final Document.Message ASSISTANT =
      new Document.Message("assistant", " <think>\nhm\n</think>\n\nHello, \"you\" 🙂\\n\n");

  @TempDir Path folder;

  private String render(String template, boolean prompt, Document.Message... messages)
      throws IOException {
    Files.writeString(folder.resolve("chat_template.jinja"), template);
    return ChatTemplate.open(folder).render(List.of(messages), prompt, NOON);
  }

  /** What Python transformers 5.23.0 gives for SmolLM2's own template. */
  @Test
  void smollm2RendersAsInTransformers() throws IOException {
    ChatTemplate template = ChatTemplate.open(Models.smollm2());
    String system =
        "<|im_start|>system\nYou are a helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\n";
    String turn = "<|im_start|>user\nHi {{ 7 * 7 }}<|im_end|>\n";
    assertEquals(system + turn, template.render(List.of(USER), false));
    assertEquals(system + turn + "<|im_start|>assistant\n", template.render(List.of(USER), true));
    assertEquals(
        "<|im_start|>system\nBe brief. <|im_end|>\n"
            + turn
            + "<|im_start|>assistant\n <think>\nhm\n</think>\n\nHello, \"you\" 🙂\\n\n<|im_end|>\n",
        template.render(List.of(SYSTEM, USER, ASSISTANT), false));
    assertEquals("<|im_start|>assistant\n", template.render(List.of(), true));
  }

  @Test
  void whatMessagesSayIsNeverRun() throws IOException {
    for (String hostile :
        List.of("{{ 7 * 7 }}", "{% if true %}x{% endif %}", "{# gone #}", "}}{%")) {
      assertEquals(
          "[" + hostile + "]",
          render(
              "{% for m in messages %}[{{ m.content }}]{% endfor %}",
              false, new Document.Message("user", hostile)));
    }
  }

  @Test
  void theTimeIsOfTheRendering() throws IOException {
    assertEquals(
        "04 Mar 2026|4 March 26|Wednesday 12:05:06 PM|063",
        render("{{ strftime_now('%d %b %Y|%-d %B %y|%A %H:%M:%S %p|%j') }}", false, USER));
  }

  @Test
  void theTemplateMayBeOneOfSeveralInTheConfiguration() throws IOException {
    Path config = folder.resolve("tokenizer_config.json");
    Files.writeString(
        config,
        """
        {"bos_token": {"content": "<s>"}, "chat_template": [
          {"name": "tool_use", "template": "no"}, {"name": "default", "template": "{{ bos_token }}yes"}]}
        """);
    assertEquals("<s>yes", ChatTemplate.open(folder).render(List.of(USER), false));
    Files.writeString(config, "{\"chat_template\": \"{{ eos_token }}|\"}");
    assertEquals("|", ChatTemplate.open(folder).render(List.of(USER), false));
  }

  @Test
  void absentAndBrokenTemplatesAreNamed() throws IOException {
    assertEquals(Optional.empty(), ChatTemplate.find(folder));
    assertTrue(refused().startsWith(folder + ": there is no chat_template.jinja"), refused());
    Path file = folder.resolve("chat_template.jinja");
    for (var pair :
        Map.of(
                "a\n{% for m in messages %}", "line 2: one of [",
                "a\n{{ messages[0 }}", "line 2: ",
                "{{ 'open }}", "line 1: ",
                "{% include 'x' %}", "line 1: the tag 'include' is not known",
                "{{ a b }}", "line 1: 'b' stands where")
            .entrySet()) {
      Files.writeString(file, pair.getKey());
      String message = refused();
      assertTrue(
          message.startsWith(file + ": the chat template cannot be read: " + pair.getValue()),
          message);
    }
    Files.delete(file);
    Files.writeString(folder.resolve("tokenizer_config.json"), "{");
    assertTrue(refused().contains("tokenizer_config.json: this is not JSON"), refused());
  }

  private String refused() {
    return assertThrows(InvalidInputException.class, () -> ChatTemplate.open(folder)).getMessage();
  }

  @Test
  void whatATemplateRefusesIsSaid() throws IOException {
    Path file = folder.resolve("chat_template.jinja");
    for (var pair :
        Map.of(
                "{{ raise_exception('roles must alternate') }}", "roles must alternate",
                "{{ nobody.name }}", "'nobody' is undefined",
                "{{ messages[0].content + 1 }}", "'Hi {{ 7 * 7 }}' + 1 has no meaning",
                "{{ messages | frobnicate }}", "the filter 'frobnicate' is not known")
            .entrySet()) {
      String message =
          assertThrows(InvalidInputException.class, () -> render(pair.getKey(), false, USER))
              .getMessage();
      assertEquals(
          file + ": the chat template refuses the conversation: " + pair.getValue(), message);
    }
  }

  private static String resource(String name) throws IOException {
    try (InputStream in = ChatTemplateTest.class.getResourceAsStream(name)) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    }
  }

  /** What a template makes of a conversation; empty where it refuses. */
  private Optional<String> orRefused(JsonNode messages, boolean prompt) throws IOException {
    ChatTemplate template = ChatTemplate.open(folder);
    List<Document.Message> list = new ArrayList<>();
    for (JsonNode message : messages) {
      list.add(
          new Document.Message(message.get("role").asString(), message.get("content").asString()));
    }
    try {
      return Optional.of(template.render(list, prompt));
    } catch (InvalidInputException e) {
      return Optional.empty();
    }
  }

  /** Every template of the list and every conversation gives what transformers 5.23.0 gives. */
  @Test
  void templatesRenderAsInTransformers() throws IOException {
    Files.writeString(
        folder.resolve("tokenizer_config.json"),
        "{\"bos_token\": \"<s>\", \"eos_token\": \"</s>\"}");
    JsonNode conversations = JsonMapper.shared().readTree(resource("conversations.json"));
    JsonNode rendered = JsonMapper.shared().readTree(resource("templates-rendered.json"));
    int at = 0;
    int refused = 0;
    for (String template : resource("templates.txt").split("(?m)^=+\n", -1)) {
      Files.writeString(folder.resolve("chat_template.jinja"), template);
      for (JsonNode messages : conversations) {
        for (boolean prompt : new boolean[] {false, true}) {
          JsonNode expected = rendered.get(at++);
          refused += expected.isNull() ? 1 : 0;
          assertEquals(
              Optional.ofNullable(expected.asString(null)), orRefused(messages, prompt), template);
        }
      }
    }
    assertEquals(rendered.size(), at);
    assertTrue(refused < 0.2 * at, refused + " of " + at + " are refused");
  }

  @Test
  void theExpectedTextsAreStillTransformers() throws IOException {
    Path templates = Files.writeString(folder.resolve("t.txt"), resource("templates.txt"));
    Path talks = Files.writeString(folder.resolve("c.json"), resource("conversations.json"));
    assertEquals(
        resource("templates-rendered.json"),
        PeerPython.run("scripts/peers/check_templates.py", templates.toString(), talks.toString()));
  }
}
