package dev.graft.service;

import dev.graft.openai.ApiException;
import dev.graft.openai.Prompt;
import dev.graft.openai.Sampling;
import java.util.List;

/** A model, the engine that runs it, and what is measured about both. */
public record Service(
    ServedModel model, Engine engine, EngineMetrics metrics, Constraints constraints) {
  /** A service of which the first constrained answer will take a moment longer. */
  public Service(ServedModel model, Engine engine, EngineMetrics metrics) {
    this(model, engine, metrics, new Constraints(model));
  }

  /**
   * The tokens of prompts.
   *
   * @throws ApiException if one is a text that is too long, whatever its tokens are
   */
  public List<int[]> tokens(List<Prompt> prompts, boolean addSpecialTokens) {
    int characters = 0;
    for (Prompt prompt : prompts) {
      if (prompt instanceof Prompt.Text(String text)) {
        requireShort(text);
        characters += text.length();
      }
    }
    return Apart.call(
        characters, () -> prompts.stream().map(p -> tokens(p, addSpecialTokens)).toList());
  }

  private int[] tokens(Prompt prompt, boolean addSpecialTokens) {
    return switch (prompt) {
      case Prompt.Ids(int[] ids) -> ids;
      case Prompt.Text(String text) -> encode(text, addSpecialTokens);
    };
  }

  /** The tokens of a text of any length. */
  public int[] tokens(String text, boolean addSpecialTokens) {
    return Apart.call(text.length(), () -> encode(text, addSpecialTokens));
  }

  private int[] encode(String text, boolean addSpecialTokens) {
    return addSpecialTokens
        ? model.tokenizer().encodeWithSpecials(text)
        : model.tokenizer().encode(text);
  }

  /** The texts of tokens, special ones too. */
  public List<String> texts(List<int[]> tokens) {
    return Apart.call(
        tokens.stream().mapToInt(ids -> ids.length).sum(),
        () -> tokens.stream().map(ids -> model.tokenizer().decode(ids, false)).toList());
  }

  /** Refuses at once what would be tokenized for seconds only to be too long. */
  private void requireShort(String text) {
    if (model.tokenizer().longestToken().isEmpty()) {
      return;
    }
    int least = text.length() / model.tokenizer().longestToken().getAsInt();
    if (least >= model.context()) {
      throw ApiException.tooLong(
          "prompt",
          "the prompt has "
              + text.length()
              + " characters, which are at least "
              + least
              + " tokens, but this server's context is "
              + model.context()
              + " tokens and the answer needs room; shorten it");
    }
  }

  /** Refuses tokens that the model does not have. */
  void require(Sampling sampling) {
    int vocab = model.spec().vocabSize();
    for (int id : sampling.logitBias().keySet()) {
      if (id >= vocab) {
        throw ApiException.invalid(
            "logit_bias",
            "logit_bias has token id "
                + id
                + ", which is out of range; this model's vocabulary is 0 to "
                + (vocab - 1));
      }
    }
  }

  /** Refuses a prompt that cannot be answered. */
  void require(int[] prompt) {
    if (prompt.length == 0) {
      throw ApiException.invalid("prompt", "the prompt is empty; give at least one token");
    }
    int vocab = model.spec().vocabSize();
    for (int id : prompt) {
      if (id < 0 || id >= vocab) {
        throw ApiException.invalid(
            "prompt",
            "token id " + id + " is out of range; this model's vocabulary is 0 to " + (vocab - 1));
      }
    }
    if (prompt.length >= model.context()) {
      throw ApiException.tooLong(
          "prompt",
          "the prompt has "
              + prompt.length
              + " tokens, but this server's context is "
              + model.context()
              + " tokens and the answer needs room; shorten it");
    }
  }
}
