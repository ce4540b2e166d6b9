package dev.graft.demo;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * How many of the facts that a text tells are facts of the world.
 *
 * @param right words that may follow, in the place of their sentence, the word that they follow
 * @param told all words that follow another
 */
record FactCheck(int right, int told) {
  private static final Pattern PIECE = Pattern.compile("\\.\\n| ?[A-Za-z]+");

  /** Reads text as the {@link Grammar} writes it; what is not a sentence of it is passed over. */
  static FactCheck of(World world, List<String> texts) {
    Lexicon lexicon = world.lexicon();
    List<String> pieces = lexicon.pieces();
    Map<String, Integer> ids = new HashMap<>();
    for (int id = 0; id < pieces.size(); id++) {
      ids.put(pieces.get(id), id);
    }
    int right = 0;
    int told = 0;
    for (String text : texts) {
      Sentence sentence = new Sentence(lexicon);
      for (MatchResult found : PIECE.matcher(text).results().toList()) {
        int id = ids.getOrDefault(found.group(), Lexicon.UNKNOWN);
        if (lexicon.isContent(id) && sentence.place >= 0 && sentence.word >= 0) {
          told++;
          right += world.allows(sentence.place, sentence.word, id) ? 1 : 0;
        }
        sentence.read(id);
      }
    }
    return new FactCheck(right, told);
  }

  /** What the samples of some runs come to, in words. */
  static String sentence(World world, List<RunOutcome> runs) {
    return runs.stream()
        .map(run -> {
          FactCheck check = of(world, run.samples());
          return run.name() + " " + check.right() + " of " + check.told() + " facts";
        })
        .collect(Collectors.joining(", "));
  }

  /** Where a reader is in a sentence; −1 where nothing has been read yet. */
  private static final class Sentence {
    private final Lexicon lexicon;
    private int place = -1;
    private int subject = -1;
    private int word = -1;

    Sentence(Lexicon lexicon) {
      this.lexicon = lexicon;
    }

    void read(int id) {
      if (lexicon.isPlace(id)) {
        place = id;
        subject = -1;
        word = -1;
      } else if (id == Lexicon.AND) {
        word = subject;
      } else if (id == Lexicon.END_OF_SENTENCE) {
        place = -1;
      } else if (lexicon.isContent(id)) {
        if (subject < 0 && id < lexicon.firstVerb()) {
          subject = id;
        }
        word = id;
      }
    }
  }
}
