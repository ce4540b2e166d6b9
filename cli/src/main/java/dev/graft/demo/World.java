package dev.graft.demo;

import java.util.SplittableRandom;

/**
 * The facts that the grammar tells: in each place, which few words may follow a word. An adjective
 * is followed by nouns, a noun by verbs, and a verb (after {@code the}) by adjectives. Nothing ties
 * one place to another or one word to another, so that all there is to know is that table: places ×
 * words rows, to be stored row by row.
 */
final class World {
  /** How often the first, second and third follower of a word is taken. */
  static final double[] SHARES = {0.7, 0.2, 0.1};

  private final Lexicon lexicon;

  /** Followers as token ids, by (place · content words + word) · 3 + rank. */
  private final int[] followers;

  /** Draws the facts. */
  World(Lexicon lexicon, SplittableRandom random) {
    this.lexicon = lexicon;
    int words = contentWords();
    followers = new int[lexicon.places().size() * words * SHARES.length];
    for (int place = 0; place < lexicon.places().size(); place++) {
      for (int word = 0; word < words; word++) {
        draw(random, lexicon.firstNoun() + word, (place * words + word) * SHARES.length);
      }
    }
  }

  /** Different words of the class that follows. */
  private void draw(SplittableRandom random, int word, int at) {
    int first;
    int count;
    if (word < lexicon.firstVerb()) {
      first = lexicon.firstVerb();
      count = lexicon.verbs().size();
    } else if (word < lexicon.firstAdjective()) {
      first = lexicon.firstAdjective();
      count = lexicon.adjectives().size();
    } else {
      first = lexicon.firstNoun();
      count = lexicon.nouns().size();
    }
    for (int rank = 0; rank < SHARES.length; rank++) {
      int candidate;
      do {
        candidate = first + random.nextInt(count);
      } while (taken(candidate, at, rank));
      followers[at + rank] = candidate;
    }
  }

  private boolean taken(int candidate, int at, int ranks) {
    for (int rank = 0; rank < ranks; rank++) {
      if (followers[at + rank] == candidate) {
        return true;
      }
    }
    return false;
  }

  Lexicon lexicon() {
    return lexicon;
  }

  /**
   * A word that follows another.
   *
   * @param place token id of the place
   * @param word token id of a noun, verb or adjective
   * @param rank below the number of {@link #SHARES}
   */
  int follower(int place, int word, int rank) {
    int row = (place - lexicon.firstPlace()) * contentWords() + word - lexicon.firstNoun();
    return followers[row * SHARES.length + rank];
  }

  /** Whether a word is among those that follow another in a place. */
  boolean allows(int place, int word, int next) {
    for (int rank = 0; rank < SHARES.length; rank++) {
      if (follower(place, word, rank) == next) {
        return true;
      }
    }
    return false;
  }

  /** Rows of the table. */
  int facts() {
    return followers.length / SHARES.length;
  }

  private int contentWords() {
    return lexicon.vocabSize() - lexicon.firstNoun();
  }
}
