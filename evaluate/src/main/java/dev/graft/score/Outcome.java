package dev.graft.score;

import dev.graft.lm.LanguageModel;
import java.util.List;

/** What a model answered to one question. */
public sealed interface Outcome {
  /** Tokens cut off from the left of a prompt that did not fit; of several prompts the most. */
  int dropped();

  /** How likely each of several continuations is. */
  record Chosen(List<LanguageModel.Likelihood> likelihoods) implements Outcome {
    /** The likeliest; of equals the first. */
    public int choice() {
      int best = 0;
      for (int i = 1; i < likelihoods.size(); i++) {
        if (likelihoods.get(i).logLikelihood() > likelihoods.get(best).logLikelihood()) {
          best = i;
        }
      }
      return best;
    }

    @Override
    public int dropped() {
      return likelihoods.stream().mapToInt(LanguageModel.Likelihood::dropped).max().orElse(0);
    }
  }

  /** A written answer. */
  record Text(LanguageModel.Written written) implements Outcome {
    @Override
    public int dropped() {
      return written.dropped();
    }
  }

  /** Several answers, drawn at random. */
  record Samples(List<LanguageModel.Written> written) implements Outcome {
    public Samples {
      written = List.copyOf(written);
    }

    @Override
    public int dropped() {
      return written.stream().mapToInt(LanguageModel.Written::dropped).max().orElse(0);
    }
  }

  /** How likely a whole text is. */
  record Rolled(LanguageModel.Likelihood likelihood) implements Outcome {
    @Override
    public int dropped() {
      return likelihood.dropped();
    }
  }
}
