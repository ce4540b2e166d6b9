package dev.graft.constrain;

import dev.graft.text.Tokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.IntFunction;

/**
 * The tokens of a vocabulary as a tree over their bytes, in preorder: made once for a model and
 * shared by all constraints. Special tokens are not in it. Immutable.
 */
public final class Vocabulary {
  private final IntFunction<Optional<byte[]>> tokenBytes;
  private final int size;
  private final int[] ends;
  private final int deepest;
  // Of each node of the tree:
  private final byte[] label;
  private final short[] depth;
  private final int[] skip;
  private final int[] firstToken;
  private final int[] afterToken;
  // Tokens in the order of the tree.
  private final int[] tokens;

  private record Entry(int id, byte[] bytes) {}

  private Vocabulary(
      int size, IntFunction<Optional<byte[]>> tokenBytes, int[] ends, List<Entry> entries) {
    this.tokenBytes = tokenBytes;
    this.size = size;
    this.ends = ends;
    this.deepest = entries.stream().mapToInt(e -> e.bytes().length).max().orElse(0);
    int most = entries.stream().mapToInt(e -> e.bytes().length).sum();
    byte[] labels = new byte[most];
    short[] depths = new short[most];
    int[] skips = new int[most];
    int[] firsts = new int[most];
    int[] afters = new int[most];
    this.tokens = entries.stream().mapToInt(Entry::id).toArray();
    int[] open = new int[deepest + 1];
    int opened = 0;
    int count = 0;
    byte[] before = {};
    for (int t = 0; t < tokens.length; t++) {
      byte[] bytes = entries.get(t).bytes();
      int shared = Arrays.mismatch(before, bytes);
      shared = shared < 0 ? bytes.length : shared;
      while (opened > shared) {
        skips[open[--opened]] = count;
      }
      for (int d = shared; d < bytes.length; d++) {
        labels[count] = bytes[d];
        depths[count] = (short) d;
        open[opened++] = count++;
      }
      // Tokens that end at a node are neighbours; of others' nodes the two stay equal.
      int last = open[opened - 1];
      firsts[last] = afters[last] == 0 ? t : firsts[last];
      afters[last] = t + 1;
      before = bytes;
    }
    while (opened > 0) {
      skips[open[--opened]] = count;
    }
    this.label = Arrays.copyOf(labels, count);
    this.depth = Arrays.copyOf(depths, count);
    this.skip = Arrays.copyOf(skips, count);
    this.firstToken = Arrays.copyOf(firsts, count);
    this.afterToken = Arrays.copyOf(afters, count);
  }

  /**
   * The vocabulary of a tokenizer, which must stay open.
   *
   * @param ends tokens that end a text; with none, a text ends when nothing may follow
   * @throws dev.graft.checkpoint.InvalidInputException if the tokenizer does not say which bytes
   *     its tokens stand for
   */
  public static Vocabulary of(Tokenizer tokenizer, Set<Integer> ends) {
    return of(tokenizer.vocabSize(), tokenizer::tokenBytes, ends);
  }

  static Vocabulary of(int size, IntFunction<Optional<byte[]>> tokenBytes, Set<Integer> ends) {
    List<Entry> entries = new ArrayList<>();
    for (int id = 0; id < size; id++) {
      Optional<byte[]> bytes = tokenBytes.apply(id);
      if (bytes.isPresent() && bytes.get().length > 0 && !ends.contains(id)) {
        entries.add(new Entry(id, bytes.get()));
      }
    }
    entries.sort(Comparator.comparing(Entry::bytes, Arrays::compareUnsigned));
    return new Vocabulary(
        size, tokenBytes, ends.stream().mapToInt(Integer::intValue).sorted().toArray(), entries);
  }

  byte[] bytes(int token) {
    return tokenBytes.apply(token).orElse(new byte[0]);
  }

  boolean isEnd(int token) {
    return Arrays.binarySearch(ends, token) >= 0;
  }

  /** Tokens that may come next, a bit each; ids beyond are not allowed. */
  long[] allowed(Automaton automaton, Automaton.State from) {
    BitSet allowed = new BitSet(size);
    Automaton.State[] states = new Automaton.State[deepest + 1];
    states[0] = from;
    for (int node = 0; node < label.length; ) {
      int d = depth[node];
      Automaton.State next = automaton.step(states[d], label[node] & 0xFF);
      if (next.dead()) {
        node = skip[node];
        continue;
      }
      states[d + 1] = next;
      for (int t = firstToken[node]; t < afterToken[node]; t++) {
        allowed.set(tokens[t]);
      }
      node++;
    }
    if (from.complete()) {
      for (int end : ends) {
        allowed.set(end);
      }
    }
    return Arrays.copyOf(allowed.toLongArray(), (size + 63) / 64);
  }
}
