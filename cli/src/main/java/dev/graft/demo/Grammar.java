package dev.graft.demo;

import java.util.Arrays;
import java.util.SplittableRandom;

/**
 * An endless stream of documents about a {@link World}, such as
 *
 * <pre>
 * In Velmora the grey fox hunts the old miller who fears the young owl.
 * In Ashford the merry piper greets the tall baker and follows the shy lynx.
 * </pre>
 *
 * <p>A sentence names a place and a first adjective, both drawn evenly; from there each content
 * word is a follower, in that place, of the one before it. A sentence goes on with {@code who},
 * about the last noun, or with {@code and}, about its first noun, each with probability 1/4 after
 * every clause.
 *
 * <p>It never repeats itself in this sense: of {@value #SENTENCES} sentences, none of which has a
 * probability above {@link #mostProbableSentence}, no document has a probability above 2⁻¹⁶³, so
 * that two equal ones do not occur in any stream that can be written down, nor in two streams of
 * different seeds.
 */
final class Grammar {
  /** Sentences of a document. */
  static final int SENTENCES = 12;

  private static final double END = 0.5;
  private static final double CONTINUE = 0.25;

  private final World world;
  private final Lexicon lexicon;
  private final SplittableRandom random;
  private int[] ids = new int[512];
  private int length;
  private double nats;

  /**
   * A document.
   *
   * @param ids its tokens; the last one is the end of the text
   * @param nats −ln of its probability: the sum over tokens of the least cross entropy that a model
   *     can reach
   */
  record Document(int[] ids, double nats) {}

  Grammar(World world, SplittableRandom random) {
    this.world = world;
    this.lexicon = world.lexicon();
    this.random = random;
  }

  /** The probability of a shortest sentence whose every word is the likeliest. */
  static double mostProbableSentence(Lexicon lexicon) {
    double likeliest = Arrays.stream(World.SHARES).max().orElseThrow();
    return END * Math.pow(likeliest, 4) / (lexicon.places().size() * lexicon.adjectives().size());
  }

  /** One more than the largest token id. */
  int vocabSize() {
    return lexicon.vocabSize();
  }

  /** The next document. */
  Document next() {
    length = 0;
    nats = 0;
    for (int s = 0; s < SENTENCES; s++) {
      sentence();
    }
    put(Lexicon.END_OF_TEXT);
    return new Document(Arrays.copyOf(ids, length), nats);
  }

  private void sentence() {
    put(Lexicon.IN);
    int place = even(lexicon.firstPlace(), lexicon.places().size());
    put(Lexicon.THE);
    int subject = follower(place, even(lexicon.firstAdjective(), lexicon.adjectives().size()));
    int noun = clause(place, subject);
    while (true) {
      double choice = random.nextDouble();
      if (choice < END) {
        chosen(END);
        put(Lexicon.END_OF_SENTENCE);
        return;
      }
      chosen(CONTINUE);
      if (choice < END + CONTINUE) {
        put(Lexicon.WHO);
        noun = clause(place, noun);
      } else {
        put(Lexicon.AND);
        noun = clause(place, subject);
      }
    }
  }

  /** A verb and its object; returns the object. */
  private int clause(int place, int subject) {
    int verb = follower(place, subject);
    put(Lexicon.THE);
    return follower(place, follower(place, verb));
  }

  private int follower(int place, int word) {
    double choice = random.nextDouble();
    int rank = 0;
    while (rank < World.SHARES.length - 1 && choice >= World.SHARES[rank]) {
      choice -= World.SHARES[rank];
      rank++;
    }
    chosen(World.SHARES[rank]);
    return put(world.follower(place, word, rank));
  }

  private int even(int first, int count) {
    chosen(1.0 / count);
    return put(first + random.nextInt(count));
  }

  private void chosen(double probability) {
    nats -= Math.log(probability);
  }

  private int put(int id) {
    if (length == ids.length) {
      ids = Arrays.copyOf(ids, 2 * length);
    }
    ids[length++] = id;
    return id;
  }
}
