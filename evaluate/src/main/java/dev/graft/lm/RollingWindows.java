package dev.graft.lm;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;

/**
 * Whole texts as windows of tokens that do not overlap, the first of each text after the prefix
 * token; as lm-evaluation-harness does, a last window that is not full reaches back for context.
 */
final class RollingWindows {
  /** The likelihood of a text without tokens. */
  static final LanguageModel.Likelihood NOTHING = new LanguageModel.Likelihood(0, true, 0, 0);

  private final List<TokenPairs.Pair> windows = new ArrayList<>();
  private final List<Integer> owners = new ArrayList<>();
  private final int[] first;

  /**
   * Cuts texts.
   *
   * @param context tokens that a window scores at most
   */
  RollingWindows(TokenPairs pairs, List<String> texts, int context) {
    first = new int[texts.size() + 1];
    for (int t = 0; t < texts.size(); t++) {
      List<TokenPairs.Pair> own = cut(pairs, texts.get(t), context);
      windows.addAll(own);
      owners.addAll(Collections.nCopies(own.size(), t));
      first[t + 1] = windows.size();
    }
  }

  private static List<TokenPairs.Pair> cut(TokenPairs pairs, String text, int context) {
    int[] ids = pairs.encode(text);
    List<TokenPairs.Pair> windows = new ArrayList<>();
    for (int from = 0; from < ids.length; from += context) {
      int before = from == 0 ? pairs.prefix() : ids[from - 1];
      windows.add(
          new TokenPairs.Pair(
              from == 0 || ids.length - from >= context
                  ? new int[] {before}
                  : Arrays.copyOfRange(ids, ids.length - context - 1, from),
              Arrays.copyOfRange(ids, from, Math.min(ids.length, from + context))));
    }
    return windows;
  }

  List<TokenPairs.Pair> pairs() {
    return windows;
  }

  /** Takes the windows' answers, and gives each text's when its last has come. */
  LanguageModel.Answers<LanguageModel.Likelihood> collect(
      LanguageModel.Answers<LanguageModel.Likelihood> answers) throws IOException {
    int[] left = new int[first.length - 1];
    for (int t = 0; t < left.length; t++) {
      left[t] = first[t + 1] - first[t];
      if (left[t] == 0) {
        answers.answer(t, NOTHING);
      }
    }
    LanguageModel.Likelihood[] parts = new LanguageModel.Likelihood[windows.size()];
    return (w, part) -> {
      parts[w] = part;
      int owner = owners.get(w);
      if (--left[owner] == 0) {
        // In the order of the windows, so that the sum's bits are always the same.
        answers.answer(
            owner,
            Arrays.stream(parts, first[owner], first[owner + 1])
                .reduce(NOTHING, RollingWindows::sum));
      }
    };
  }

  private static LanguageModel.Likelihood sum(
      LanguageModel.Likelihood a, LanguageModel.Likelihood b) {
    return new LanguageModel.Likelihood(
        a.logLikelihood() + b.logLikelihood(),
        a.greedy() && b.greedy(),
        a.tokens() + b.tokens(),
        0);
  }
}
