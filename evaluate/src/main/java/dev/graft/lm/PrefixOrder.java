package dev.graft.lm;

import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Deque;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.OptionalInt;
import java.util.SequencedSet;
import java.util.stream.IntStream;

/**
 * In which order prompts are computed so that what several begin with is computed once: by their
 * tokens, so that those with a common beginning come together, and none before a beginning that
 * another is just computing for it. Until then those behind it go first.
 */
final class PrefixOrder {
  /** Prompts that may be looked at beyond the first that waits. */
  private static final int LOOKAHEAD = 64;

  /** Computed prompts that are remembered; older ones may have left the cache. */
  private static final int REMEMBERED = 64;

  private final List<int[]> prompts;
  private final int page;
  private final int[] left;
  private int leftCount;
  private final SequencedSet<Integer> underWay = new LinkedHashSet<>();
  private final Deque<Integer> computed = new ArrayDeque<>();

  /**
   * An order of prompts.
   *
   * @param page tokens that prefixes are shared by
   */
  PrefixOrder(List<int[]> prompts, int page) {
    this.prompts = prompts;
    this.page = page;
    Comparator<Integer> byTokens = (a, b) -> Arrays.compare(prompts.get(a), prompts.get(b));
    this.left =
        IntStream.range(0, prompts.size())
            .boxed()
            .sorted(byTokens.reversed())
            .mapToInt(Integer::intValue)
            .toArray();
    this.leftCount = left.length;
  }

  /** A prompt to begin now; empty if there is none, or if all that may go wait for a beginning. */
  OptionalInt next() {
    for (int i = leftCount - 1; i >= Math.max(0, leftCount - LOOKAHEAD); i--) {
      int prompt = left[i];
      if (pages(prompt, underWay) <= pages(prompt, computed)) {
        System.arraycopy(left, i + 1, left, i, leftCount - i - 1);
        leftCount--;
        underWay.add(prompt);
        return OptionalInt.of(prompt);
      }
    }
    return OptionalInt.empty();
  }

  /** The prompt is in the cache. */
  void computed(int prompt) {
    if (underWay.remove(prompt)) {
      computed.addFirst(prompt);
      if (computed.size() > REMEMBERED) {
        computed.removeLast();
      }
    }
  }

  /** Pages that the prompt begins with in common with one of the others, at most. */
  private int pages(int prompt, Iterable<Integer> others) {
    int most = 0;
    int[] mine = prompts.get(prompt);
    for (int other : others) {
      int[] theirs = prompts.get(other);
      int differ = Arrays.mismatch(mine, theirs);
      int common = differ < 0 ? mine.length : differ;
      most = Math.max(most, Math.min(common, mine.length - 1) / page);
    }
    return most;
  }
}
