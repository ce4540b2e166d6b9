package dev.graft.text;

import java.util.List;

/**
 * One document to tokenize.
 *
 * @param source file and line, for errors
 * @param body what it says
 */
public record Document(String source, Body body) {
  /** What a document says. */
  public sealed interface Body {
    /** Characters that it takes. */
    long length();

    /** Plain text, all of which is learned. */
    record Text(String text) implements Body {
      @Override
      public long length() {
        return text.length();
      }
    }

    /** A conversation, of which the assistant's words are learned. */
    record Conversation(List<Message> messages) implements Body {
      @Override
      public long length() {
        return messages.stream().mapToLong(message -> message.content().length()).sum();
      }
    }
  }

  /** One turn: {@code role} is system, user or assistant. */
  public record Message(String role, String content) {}
}
