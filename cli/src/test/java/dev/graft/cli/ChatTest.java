package dev.graft.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import org.jline.terminal.impl.LineDisciplineTerminal;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

class ChatTest {
  private static Path smollm2() {
    Path model =
        Optional.ofNullable(System.getenv("GRAFT_SMOLLM2"))
            .map(Path::of)
            .orElseGet(() -> Project.root().resolve("target/smollm2"));
    Assumptions.assumeTrue(
        Files.exists(model),
        () -> "SKIPPED: " + model + " is not there; run scripts/smollm2 or set GRAFT_SMOLLM2");
    return model;
  }

  private static Captured chat(String lines, String... options) {
    InputStream before = System.in;
    System.setIn(new ByteArrayInputStream(lines.getBytes(StandardCharsets.UTF_8)));
    try {
      String[] args = new String[options.length + 1];
      args[0] = "chat";
      System.arraycopy(options, 0, args, 1, options.length);
      return Captured.run(args);
    } finally {
      System.setIn(before);
    }
  }

  @Test
  void answersSensiblyAndRemembersTheTurnsBefore() {
    for (String file : new String[] {"", "model.Q4_1.gguf"}) {
      Captured run =
          chat(
              "The capital of France is\nWhat is the capital of Germany?\n/nonsense\n/help\n/exit\n",
              smollm2().resolve(file).toString(),
              "--system",
              "",
              "--temperature",
              "0");
      assertEquals(0, run.code(), run.err());
      assertTrue(run.out().contains("The capital of France is Paris."), run.out());
      assertTrue(run.out().contains("The capital of Germany is Berlin."), run.out());
      assertTrue(run.out().contains("there is no /nonsense"), run.out());
      assertTrue(run.err().contains("tokens/s"), run.err());
    }
  }

  @Test
  void aConversationThatDoesNotFitSaysSo() {
    Captured run =
        chat(
            "Tell me about cats, dogs, and every other animal that lives in a house.\n",
            smollm2().toString(),
            "--max-context",
            "20");
    assertEquals(0, run.code(), run.err());
    assertTrue(run.out().contains("but the context is 20"), run.out());
  }

  @Test
  void aModelWithoutATemplateIsRefused() {
    Captured run = chat("hello\n", Shared.path("models/stories260k").toString());
    assertEquals(2, run.code());
    assertTrue(run.err().contains("there is no chat_template"), run.err());
  }

  /**
   * On a terminal: lines are edited, Ctrl-C ends the answer alone, the mode is as it was before.
   */
  @Test
  @Timeout(60)
  void ctrlC() throws Exception {
    ByteArrayOutputStream screen = new ByteArrayOutputStream();
    try (LineDisciplineTerminal terminal =
            new LineDisciplineTerminal("test", "xterm", screen, StandardCharsets.UTF_8);
        ChatInput.Edited input = new ChatInput.Edited(terminal)) {
      String mode = terminal.getAttributes().toString();
      terminal.processInputBytes("helo\u001bODl\r".getBytes(StandardCharsets.UTF_8));
      ChatInput.Line line = assertInstanceOf(ChatInput.Line.class, input.next());
      assertEquals("hello", line.text());

      AtomicInteger cancelled = new AtomicInteger();
      CountDownLatch under = new CountDownLatch(1);
      Thread presser =
          Thread.ofVirtual()
              .start(() -> {
                try {
                  under.await();
                  terminal.processInputByte(3);
                } catch (IOException | InterruptedException e) {
                  throw new IllegalStateException(e);
                }
              });
      CountDownLatch stop = new CountDownLatch(1);
      input.whileAnswering(
          () -> {
            cancelled.incrementAndGet();
            stop.countDown();
          },
          () -> {
            under.countDown();
            try {
              assertTrue(stop.await(30, TimeUnit.SECONDS));
            } catch (InterruptedException e) {
              throw new IllegalStateException(e);
            }
          });
      assertTrue(presser.join(Duration.ofSeconds(30)));
      assertEquals(1, cancelled.get());
      assertEquals(mode, terminal.getAttributes().toString());

      assertInstanceOf(ChatInput.Interrupted.class, pressing(terminal, 3, input));
      assertEquals(1, cancelled.get());
      assertInstanceOf(ChatInput.Ended.class, pressing(terminal, 4, input));
      assertEquals(mode, terminal.getAttributes().toString());
      assertFalse(screen.toString(StandardCharsets.UTF_8).isEmpty());
    }
  }

  /** A key counts once the line is being read, so it is pressed until it does. */
  private static ChatInput.Turn pressing(
      LineDisciplineTerminal terminal, int key, ChatInput.Edited input)
      throws InterruptedException {
    AtomicBoolean done = new AtomicBoolean();
    Thread presser =
        Thread.ofVirtual()
            .start(() -> {
              try {
                while (!done.get()) {
                  Thread.sleep(20);
                  terminal.processInputByte(key);
                }
              } catch (IOException | InterruptedException e) {
                throw new IllegalStateException(e);
              }
            });
    ChatInput.Turn turn = input.next();
    done.set(true);
    assertTrue(presser.join(Duration.ofSeconds(30)));
    return turn;
  }
}
