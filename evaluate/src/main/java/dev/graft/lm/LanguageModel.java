package dev.graft.lm;

import java.io.IOException;
import java.util.List;
import java.util.Optional;

/**
 * A model under evaluation. Texts become tokens as lm-evaluation-harness's Hugging Face model makes
 * them. Answers come in any order, each once, by the thread that asks.
 */
public interface LanguageModel extends AutoCloseable {
  /** Receives answers. */
  @FunctionalInterface
  interface Answers<T> {
    /** The answer to the request with this index. */
    void answer(int index, T answer) throws IOException;
  }

  /**
   * A text that may follow another.
   *
   * @param context what comes before; empty: the beginning of a text
   * @param continuation what is scored
   */
  record Continuation(String context, String continuation) {}

  /**
   * How likely a text is.
   *
   * @param logLikelihood natural logarithm of its probability, summed over its tokens
   * @param greedy whether each of its tokens was the most likely one
   * @param tokens that were scored
   * @param dropped tokens of the context that were cut off from its left since it did not fit
   */
  record Likelihood(double logLikelihood, boolean greedy, int tokens, int dropped) {}

  /**
   * A text to go on with.
   *
   * @param maxTokens tokens that may be generated
   * @param until strings that end the answer and are not part of it
   * @param temperature that tokens are drawn with; 0: always the most likely one
   * @param seed of what is drawn
   */
  record Prompt(String text, int maxTokens, List<String> until, double temperature, long seed) {}

  /**
   * What was written.
   *
   * @param tokens that it took, its end included
   * @param dropped tokens of the prompt that were cut off from its left since it did not fit
   */
  record Written(String text, int tokens, int dropped) {}

  /** What the model is called in results. */
  String name();

  /** The model's chat template, if it has one. */
  Optional<ChatFormat> chat();

  /** Scores continuations. */
  void logLikelihoods(List<Continuation> asked, Answers<Likelihood> answers) throws IOException;

  /**
   * Scores whole texts. A text longer than the context is cut into windows that do not overlap,
   * each after the last token of the one before.
   */
  void rolling(List<String> texts, Answers<Likelihood> answers) throws IOException;

  /** Writes. */
  void write(List<Prompt> prompts, Answers<Written> answers) throws IOException;

  @Override
  void close();
}
