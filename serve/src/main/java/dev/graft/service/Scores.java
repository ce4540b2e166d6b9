package dev.graft.service;

import dev.graft.openai.TokenScore;
import dev.graft.sample.LogProbabilities;
import dev.graft.text.Tokenizer;
import java.util.ArrayList;
import java.util.List;

/** Log-probabilities with the text of their tokens. */
final class Scores {
  private final Tokenizer tokenizer;

  Scores(Tokenizer tokenizer) {
    this.tokenizer = tokenizer;
  }

  TokenScore of(LogProbabilities scores) {
    List<TokenScore> top = new ArrayList<>();
    for (int i = 0; i < scores.top().length; i++) {
      top.add(score(scores.top()[i], scores.topLogprobs()[i], List.of()));
    }
    return score(scores.token(), scores.logprob(), top);
  }

  /** The first token of a prompt, which nothing foretells. */
  TokenScore first(int token) {
    return score(token, Double.NaN, List.of());
  }

  private TokenScore score(int token, double logprob, List<TokenScore> top) {
    return new TokenScore(token, tokenizer.decode(new int[] {token}, false), logprob, top);
  }
}
