package dev.graft.score;

import dev.graft.task.Question;

/** Takes what counts out of a written answer. */
@FunctionalInterface
interface Filter {
  /** The text that goes on to the next filter, or to the metrics. */
  String apply(Question.Write question, String text);
}
