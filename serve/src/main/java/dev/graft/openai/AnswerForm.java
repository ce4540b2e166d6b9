package dev.graft.openai;

import java.util.List;
import java.util.Optional;
import tools.jackson.databind.node.ObjectNode;

/** How answers look on the wire. */
public sealed interface AnswerForm permits CompletionForm, ChatForm {
  /** An answer at once. */
  ObjectNode whole(List<WholeChoice> choices, Usage usage);

  /** What a stream begins with for each choice, if anything. */
  Optional<ObjectNode> begin(int choice);

  /** More of a choice. */
  ObjectNode piece(int choice, String text, List<TokenScore> scores);

  /** The end of a choice. */
  ObjectNode end(int choice, String finish);

  /** What a stream ends with if asked to. */
  ObjectNode usage(Usage usage);
}
