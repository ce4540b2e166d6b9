package dev.graft.lm;

import dev.graft.text.Document;
import java.util.List;

/** A conversation as the text that a model was trained on. */
@FunctionalInterface
public interface ChatFormat {
  /** The conversation, and the head of the answer that is to follow. */
  String render(List<Document.Message> messages);
}
