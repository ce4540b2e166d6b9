package dev.graft.layout;

import dev.graft.checkpoint.InvalidInputException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;

/**
 * How strong each rank is, as whole numbers in proportion to which work and weights are dealt out:
 * 5, 3, 1 gives the first rank five ninths.
 *
 * @param weights one per rank, in rank order, each from 1 to {@value #LARGEST}
 */
public record Shares(List<Integer> weights) {
  /** A bound so that products with any dimension stay exact. */
  private static final int LARGEST = 1_000_000;

  /**
   * Checks the weights.
   *
   * @throws InvalidInputException if there is none or one is out of bounds
   */
  public Shares {
    weights = List.copyOf(weights);
    if (weights.isEmpty()) {
      throw new InvalidInputException("--tp: there must be at least one rank");
    }
    for (int weight : weights) {
      if (weight < 1 || weight > LARGEST) {
        throw wrong(join(weights), "has the share " + weight);
      }
    }
  }

  /**
   * Ranks of equal strength.
   *
   * @throws InvalidInputException if there is none
   */
  public static Shares equal(int ranks) {
    if (ranks < 1) {
      throw new InvalidInputException("--tp is " + ranks + "; it must be at least 1");
    }
    return new Shares(Collections.nCopies(ranks, 1));
  }

  /**
   * Reads {@code 5,3,1}.
   *
   * @param ranks how many shares there must be
   * @throws InvalidInputException if a share is no whole number above 0, or there are more or fewer
   *     than ranks
   */
  public static Shares parse(String text, int ranks) {
    Shares shares = parse(text);
    if (shares.ranks() != ranks) {
      throw new InvalidInputException(
          "--shares "
              + text
              + " names "
              + shares.ranks()
              + " ranks, but --tp is "
              + ranks
              + "; give one share per rank");
    }
    return shares;
  }

  /**
   * Reads {@code 5,3,1}, one rank per share.
   *
   * @throws InvalidInputException if a share is no whole number above 0
   */
  public static Shares parse(String text) {
    List<Integer> weights = new ArrayList<>();
    for (String part : text.split(",", -1)) {
      try {
        weights.add(Integer.parseInt(part.strip()));
      } catch (NumberFormatException e) {
        throw wrong(text, "has the share '" + part.strip() + "'");
      }
    }
    return new Shares(weights);
  }

  /**
   * The shares of a command line: one rank if neither is given.
   *
   * @param ranks what --tp says
   * @param shares what --shares says
   * @throws InvalidInputException if they do not go together
   */
  public static Shares of(Optional<Integer> ranks, Optional<String> shares) {
    return shares
        .map(text -> ranks.map(n -> parse(text, n)).orElseGet(() -> parse(text)))
        .orElseGet(() -> equal(ranks.orElse(1)));
  }

  /** How many ranks there are. */
  public int ranks() {
    return weights.size();
  }

  /**
   * Deals out units by the method of the largest remainder (Hamilton): each rank gets the whole
   * part of its quota units · weight / Σ weights, and what is left goes one by one to the largest
   * remainders, to the lower rank where they are equal. 36 over 8 equal ranks: 5 5 5 5 4 4 4 4.
   *
   * @param least what every rank gets at least, taken from those that are furthest above their
   *     quota; least · ranks ≤ units
   * @return consecutive ranges in rank order that cover 0 … units
   */
  public List<Range> split(int units, int least) {
    int ranks = ranks();
    if ((long) least * ranks > units) {
      throw new IllegalArgumentException(units + " units do not give " + ranks + " ranks " + least);
    }
    long sum = weights.stream().mapToLong(Integer::longValue).sum();
    int[] dealt = new int[ranks];
    long left = units;
    for (int r = 0; r < ranks; r++) {
      dealt[r] = (int) ((long) units * weights.get(r) / sum);
      left -= dealt[r];
    }
    for (; left > 0; left--) {
      dealt[furthest(dealt, units, sum, -1, 0)]++;
    }
    for (int r = 0; r < ranks; r++) {
      while (dealt[r] < least) {
        dealt[furthest(dealt, units, sum, 1, least)]--;
        dealt[r]++;
      }
    }
    List<Range> ranges = new ArrayList<>();
    int from = 0;
    for (int count : dealt) {
      ranges.add(new Range(from, from + count));
      from += count;
    }
    return ranges;
  }

  /**
   * The rank furthest from its quota.
   *
   * @param direction 1: above it, and holding more than {@code least}; -1: below it
   */
  private int furthest(int[] dealt, int units, long sum, int direction, int least) {
    int best = -1;
    long most = 0;
    for (int r = 0; r < dealt.length; r++) {
      long distance = direction * (dealt[r] * sum - (long) units * weights.get(r));
      boolean eligible = direction < 0 || dealt[r] > least;
      if (eligible && (best < 0 || distance > most)) {
        best = r;
        most = distance;
      }
    }
    return best;
  }

  @Override
  public String toString() {
    return join(weights);
  }

  private static String join(List<Integer> weights) {
    return String.join(",", weights.stream().map(String::valueOf).toList());
  }

  private static InvalidInputException wrong(String text, String what) {
    return new InvalidInputException(
        "--shares "
            + text
            + " "
            + what
            + "; give whole numbers from 1 to "
            + LARGEST
            + ", one per rank, such as 5,3,1");
  }
}
