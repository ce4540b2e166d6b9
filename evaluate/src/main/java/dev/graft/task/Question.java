package dev.graft.task;

import dev.graft.data.Doc;
import java.util.List;

/** What is asked of a model about one record. */
public sealed interface Question {
  /** The record. */
  Doc doc();

  /**
   * Which of several answers follows a context.
   *
   * @param context the prompt
   * @param continuations what is scored after it
   * @param choices the same without the delimiter
   * @param gold number of the right one; −1 if the record's answer is not among them
   */
  record Choose(Doc doc, String context, List<String> continuations, List<String> choices, int gold)
      implements Question {}

  /**
   * What the model writes after a prompt.
   *
   * @param target the right answer
   */
  record Write(Doc doc, String prompt, String target, Task.Generation generation)
      implements Question {}

  /**
   * How likely a whole text is.
   *
   * @param text as the model sees it
   * @param original as the record has it; words and bytes are counted in it
   */
  record Roll(Doc doc, String text, String original) implements Question {}
}
