package dev.graft.cli;

import dev.graft.checkpoint.InvalidInputException;
import dev.graft.sample.SamplingOptions;
import dev.graft.schedule.Finish;
import dev.graft.text.ChatTemplate;
import dev.graft.text.Document;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** The turns of a conversation. */
final class ChatLoop {
  private static final String HELP =
      """
      /clear          forget the conversation
      /system TEXT    tell the model this before the conversation, and forget the conversation
      /help           this list
      /exit           leave, as Ctrl-D does
      Ctrl-C ends an answer; at an empty prompt, twice, the program.\
      """;

  private final TextModel model;
  private final ChatTemplate template;
  private final SamplingOptions sampling;
  private final int maxTokens;
  private final ChatInput input;
  private final List<Document.Message> messages = new ArrayList<>();
  private Optional<String> system;

  ChatLoop(
      TextModel model,
      SamplingOptions sampling,
      int maxTokens,
      Optional<String> system,
      ChatInput input)
      throws IOException {
    this.model = model;
    this.template = ChatTemplate.open(model.path());
    this.sampling = sampling;
    this.maxTokens = maxTokens;
    this.system = system;
    this.input = input;
    clear();
  }

  /** Until the person leaves. */
  void run() throws IOException {
    boolean warned = false;
    while (true) {
      switch (input.next()) {
        case ChatInput.Ended() -> {
          return;
        }
        case ChatInput.Interrupted() -> {
          if (warned) {
            return;
          }
          warned = true;
          System.err.println("Ctrl-C again or Ctrl-D leaves.");
        }
        case ChatInput.Line(String text) -> {
          warned = false;
          if (text.strip().equals("/exit")) {
            return;
          }
          take(text.strip());
        }
      }
    }
  }

  private void clear() {
    messages.clear();
    system.ifPresent(text -> messages.add(new Document.Message("system", text)));
  }

  private void take(String line) {
    if (line.isEmpty()) {
      return;
    }
    if (line.equals("/help")) {
      System.out.println(HELP);
    } else if (line.equals("/clear")) {
      clear();
    } else if (line.startsWith("/system ")) {
      system = Optional.of(line.substring("/system ".length()).strip());
      clear();
    } else if (line.startsWith("/")) {
      System.out.println("there is no " + line.split(" ", 2)[0] + "; /help lists what there is");
    } else {
      answer(line);
    }
  }

  private void answer(String line) {
    messages.add(new Document.Message("user", line));
    int[] prompt = model.tokenizer().encode(template.render(messages, true));
    if (prompt.length >= model.context()) {
      messages.removeLast();
      System.out.println(
          "the conversation has "
              + prompt.length
              + " tokens, but the context is "
              + model.context()
              + "; /clear begins anew, or start with a larger --max-context");
      return;
    }
    StringBuilder text = new StringBuilder();
    TextModel.Writing writing =
        model.write(
            prompt,
            maxTokens,
            sampling,
            List.of(),
            piece -> {
              text.append(piece);
              System.out.print(piece);
              System.out.flush();
            });
    input.whileAnswering(
        writing::cancel,
        () -> {
          try {
            TextModel.Answer answer = writing.run();
            System.out.println();
            String how = answer.finish() == Finish.CANCELLED ? " cancelled" : "";
            System.err.println(answer.summary() + how);
          } catch (InvalidInputException e) {
            System.out.println();
            System.err.println("graft: " + e.getMessage());
          }
        });
    messages.add(new Document.Message("assistant", text.toString()));
  }
}
