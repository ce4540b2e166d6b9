package dev.graft.cli;

import java.io.BufferedReader;
import java.io.Console;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import org.jline.reader.EndOfFileException;
import org.jline.reader.LineReader;
import org.jline.reader.LineReaderBuilder;
import org.jline.reader.UserInterruptException;
import org.jline.terminal.Terminal;
import org.jline.terminal.TerminalBuilder;

/** Where a conversation's lines come from: an edited line of a terminal, or plain input. */
sealed interface ChatInput extends AutoCloseable {
  /** What a person did at the prompt. */
  sealed interface Turn {}

  /** A line. */
  record Line(String text) implements Turn {}

  /** Ctrl-C. */
  record Interrupted() implements Turn {}

  /** Ctrl-D, or the input ended. */
  record Ended() implements Turn {}

  /** Waits for a turn. */
  Turn next() throws IOException;

  /** Runs an answer; Ctrl-C meanwhile calls {@code cancel} instead of ending the program. */
  void whileAnswering(Runnable cancel, Runnable answer);

  @Override
  void close() throws IOException;

  /** The terminal if there is one at both ends. */
  static ChatInput open() throws IOException {
    // The JDK's own console is absent, not "no terminal", when input or output is redirected.
    if (Optional.ofNullable(System.console()).filter(Console::isTerminal).isPresent()) {
      return new Edited(TerminalBuilder.builder().system(true).build());
    }
    return new Piped(new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8)));
  }

  /** Lines of a pipe or a file. */
  record Piped(BufferedReader in) implements ChatInput {
    @Override
    public Turn next() throws IOException {
      return Optional.ofNullable(in.readLine()).<Turn>map(Line::new).orElseGet(Ended::new);
    }

    @Override
    public void whileAnswering(Runnable cancel, Runnable answer) {
      answer.run();
    }

    @Override
    public void close() {}
  }

  /** Lines with editing and history. */
  final class Edited implements ChatInput {
    private final Terminal terminal;
    private final LineReader reader;

    Edited(Terminal terminal) {
      this.terminal = terminal;
      this.reader =
          LineReaderBuilder.builder()
              .terminal(terminal)
              .option(LineReader.Option.DISABLE_EVENT_EXPANSION, true)
              .build();
    }

    @Override
    public Turn next() {
      try {
        return new Line(reader.readLine("> "));
      } catch (UserInterruptException e) {
        return new Interrupted();
      } catch (EndOfFileException e) {
        return new Ended();
      }
    }

    @Override
    public void whileAnswering(Runnable cancel, Runnable answer) {
      Terminal.SignalHandler before = terminal.handle(Terminal.Signal.INT, signal -> cancel.run());
      try {
        answer.run();
      } finally {
        terminal.handle(Terminal.Signal.INT, before);
      }
    }

    @Override
    public void close() throws IOException {
      terminal.close();
    }
  }
}
