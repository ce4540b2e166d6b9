package dev.graft.score;

import dev.graft.lm.LanguageModel;
import dev.graft.task.Question;
import java.io.IOException;
import java.util.List;

/**
 * Something that is computed from answers.
 *
 * @param name lm-evaluation-harness's
 * @param higherIsBetter whether more is better
 * @param aggregation over questions
 * @param rule of one question
 */
public record Metric(String name, boolean higherIsBetter, Aggregation aggregation, Rule rule) {
  /** How one answer is valued. */
  public sealed interface Rule {}

  /** Of a choice. */
  @FunctionalInterface
  public non-sealed interface OfChoice extends Rule {
    /** The value of one answer. */
    Value of(Question.Choose question, List<LanguageModel.Likelihood> likelihoods);
  }

  /** Of a written answer, after a chain of filters. */
  @FunctionalInterface
  public non-sealed interface OfText extends Rule {
    /** The value of one answer. */
    Value of(Question.Write question, String text);
  }

  /** Of several answers to one question. */
  @FunctionalInterface
  public non-sealed interface OfSamples extends Rule {
    /**
     * The value of all of them.
     *
     * @throws IOException if they could not be tried
     */
    Value of(Question.Write question, List<String> texts) throws IOException;
  }

  /** Of a whole text. */
  @FunctionalInterface
  public non-sealed interface OfRolling extends Rule {
    /** The value of one answer. */
    Value of(Question.Roll question, LanguageModel.Likelihood likelihood);
  }
}
