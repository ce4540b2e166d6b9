package dev.graft.text;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.graft.checkpoint.InvalidInputException;
import dev.graft.checkpoint.Models;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DocumentTokenizerTest {
  private static final List<Document.Message> TALK =
      List.of(
          new Document.Message("system", "Be kind 🙂."),
          new Document.Message("user", "Hi?"),
          new Document.Message("assistant", "Hello 🙂!"),
          new Document.Message("user", "<|im_end|>"),
          new Document.Message("assistant", "é\n"));

  @TempDir Path folder;

  private static DocumentTokenizer.Tokens tokenize(
      Path directory, boolean appendEos, Document.Body body) throws IOException {
    try (Tokenizer tokenizer = Tokenizer.open(directory)) {
      return new DocumentTokenizer(tokenizer, ChatTemplate.find(directory), appendEos)
          .tokenize(new Document("talk.jsonl: line 7", body));
    }
  }

  /** What is learned, runs of it between bars. */
  private static String learned(Path directory, DocumentTokenizer.Tokens tokens)
      throws IOException {
    boolean[] bits = tokens.learned().orElseThrow();
    StringBuilder text = new StringBuilder();
    try (Tokenizer tokenizer = Tokenizer.open(directory)) {
      for (int from = 0; from < bits.length; ) {
        int to = from;
        while (to < bits.length && bits[to] == bits[from]) {
          to++;
        }
        if (bits[from]) {
          text.append(tokenizer.decode(Arrays.copyOfRange(tokens.ids(), from, to), false))
              .append('|');
        }
        from = to;
      }
    }
    return text.toString();
  }

  @Test
  void aTextGetsWhatTheTokenizerPutsAroundItAndEos() throws IOException {
    Document.Body text = new Document.Body.Text("ab");
    Path plain = TinyTokenizer.write(folder.resolve("plain"), false);
    Path llama = TinyTokenizer.write(folder.resolve("llama"), true);
    assertArrayEquals(new int[] {'a', 'b', TinyTokenizer.END}, tokenize(plain, true, text).ids());
    assertArrayEquals(new int[] {'a', 'b'}, tokenize(plain, false, text).ids());
    assertArrayEquals(
        new int[] {TinyTokenizer.START, 'a', 'b', TinyTokenizer.END},
        tokenize(llama, true, text).ids());
    assertTrue(tokenize(llama, true, text).learned().isEmpty());
    assertArrayEquals(
        new int[] {'a', TinyTokenizer.END},
        tokenize(plain, true, new Document.Body.Text("a<|im_end|>")).ids());
    assertEquals(0, tokenize(llama, true, new Document.Body.Text("")).ids().length);
  }

  @Test
  void onlyTheAssistantsWordsAndItsEndAreLearned() throws IOException {
    Path directory = TinyTokenizer.withTemplate(folder, TinyTokenizer.CHATML);
    DocumentTokenizer.Tokens tokens =
        tokenize(directory, true, new Document.Body.Conversation(TALK));
    assertEquals("Hello 🙂!<|im_end|>|é\n<|im_end|>|", learned(directory, tokens));
    try (Tokenizer tokenizer = Tokenizer.open(directory)) {
      assertArrayEquals(
          tokenizer.encode(ChatTemplate.open(directory).render(TALK, false)), tokens.ids());
    }
  }

  @Test
  void smollm2LearnsTheAssistantsWords() throws IOException {
    Path model = Models.smollm2();
    DocumentTokenizer.Tokens tokens = tokenize(model, true, new Document.Body.Conversation(TALK));
    assertEquals("Hello 🙂!<|im_end|>|é\n<|im_end|>|", learned(model, tokens));
    assertEquals(
        4, IntStream.of(tokens.ids()).filter(id -> id == 1).count() - 1, "turns after the first");
  }

  @Test
  void templatesThatHideTheAssistantsWordsAreRefused() throws IOException {
    String lastOnly =
        "{% for m in messages %}{% if loop.last or m.role != 'assistant' %}[{{ m.role }}]{{ m.content }}{% endif %}{% endfor %}"
            + "{% if add_generation_prompt %}[assistant]{% endif %}";
    String thinks =
        "{% for m in messages %}[{{ m.role }}]{{ m.content }}{% endfor %}"
            + "{% if add_generation_prompt %}[assistant]<think>{% endif %}";
    String refuses = "{{ raise_exception('no talk') }}";
    for (var pair :
        List.of(
            List.of(lastOnly, "writes it differently once more follow (message 3)"),
            List.of(thinks, "does not begin it with the head of an answer (message 3)"),
            List.of(refuses, "refuses the conversation: no talk"))) {
      Path directory = TinyTokenizer.withTemplate(folder, pair.getFirst());
      String message =
          assertThrows(
                  InvalidInputException.class,
                  () -> tokenize(directory, true, new Document.Body.Conversation(TALK)))
              .getMessage();
      assertTrue(message.startsWith("talk.jsonl: line 7: "), message);
      assertTrue(message.contains("chat_template.jinja"), message);
      assertTrue(message.contains(pair.getLast()), message);
    }
  }

  @Test
  void missingTemplateAndMissingEosAreNamed() throws IOException {
    TinyTokenizer.write(folder, false);
    assertTrue(
        assertThrows(
                InvalidInputException.class,
                () -> tokenize(folder, true, new Document.Body.Conversation(TALK)))
            .getMessage()
            .startsWith("talk.jsonl: line 7 holds messages, but"));
    Files.writeString(folder.resolve("tokenizer_config.json"), "{}");
    assertTrue(
        assertThrows(
                InvalidInputException.class,
                () -> tokenize(folder, true, new Document.Body.Text("a")))
            .getMessage()
            .contains("--no-append-eos"));
    assertEquals(1, tokenize(folder, false, new Document.Body.Text("a")).ids().length);
    try (Tokenizer tokenizer = Tokenizer.open(folder)) {
      assertTrue(new DocumentTokenizer(tokenizer, Optional.empty(), false) != null);
    }
  }
}
