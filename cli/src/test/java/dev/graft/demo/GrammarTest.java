package dev.graft.demo;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.graft.text.Tokenizer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class GrammarTest {
  private static final Lexicon LEXICON = Lexicon.bundled();

  private static final Pattern SENTENCE =
      Pattern.compile(
          "In [A-Z][a-z]+ the \\w+ \\w+ \\w+ the \\w+ \\w+((?: who| and) \\w+ the \\w+ \\w+)*\\.");

  private static World world(long seed) {
    return new World(LEXICON, new SplittableRandom(seed));
  }

  private static Grammar grammar(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    return new Grammar(new World(LEXICON, random.split()), random.split());
  }

  @Test
  void theVocabularyIsOf512DifferentTokens() {
    List<String> pieces = LEXICON.pieces();
    assertEquals(512, pieces.size());
    assertEquals(512, LEXICON.vocabSize());
    assertEquals(512, new HashSet<>(pieces).size());
    assertEquals(" Velmora", pieces.get(LEXICON.firstPlace()));
    assertEquals(" abbot", pieces.get(LEXICON.firstNoun()));
    assertEquals(" admires", pieces.get(LEXICON.firstVerb()));
    assertEquals(" agile", pieces.get(LEXICON.firstAdjective()));
  }

  @Test
  void documentsAreReadableSentences() {
    Grammar grammar = grammar(3);
    for (int d = 0; d < 200; d++) {
      List<String> lines = LEXICON.text(grammar.next().ids()).lines().toList();
      assertEquals(Grammar.SENTENCES, lines.size());
      for (String line : lines) {
        assertTrue(SENTENCE.matcher(line).matches(), line);
      }
    }
  }

  @Test
  void theTokenizerGivesTheTokensThatTheGrammarWrote(@TempDir Path directory) throws IOException {
    LexiconTokenizer.write(LEXICON, directory);
    Grammar grammar = grammar(4);
    try (Tokenizer tokenizer = Tokenizer.open(directory)) {
      assertEquals(512, tokenizer.vocabSize());
      assertEquals(Lexicon.END_OF_TEXT, tokenizer.eosId().orElseThrow());
      for (int d = 0; d < 300; d++) {
        int[] ids = grammar.next().ids();
        String text = LEXICON.text(ids);
        int[] encoded = tokenizer.encode(text);
        assertEquals(Lexicon.END_OF_TEXT, ids[ids.length - 1]);
        assertArrayEquals(Arrays.copyOf(ids, ids.length - 1), encoded);
        assertEquals(text, tokenizer.decode(encoded));
      }
    }
  }

  @Test
  void theTokenizerKnowsEveryPieceAndNothingElse(@TempDir Path directory) throws IOException {
    LexiconTokenizer.write(LEXICON, directory);
    try (Tokenizer tokenizer = Tokenizer.open(directory)) {
      List<String> pieces = LEXICON.pieces();
      for (int id = Lexicon.IN; id < pieces.size(); id++) {
        assertArrayEquals(new int[] {id}, tokenizer.encode(pieces.get(id)));
      }
      assertArrayEquals(
          new int[] {Lexicon.IN, Lexicon.UNKNOWN, Lexicon.THE},
          tokenizer.encode("In Atlantis the"));
    }
  }

  @Test
  void everySentenceTellsFactsOfItsPlace() {
    World world = world(5);
    Grammar grammar = new Grammar(world, new SplittableRandom(6));
    for (int d = 0; d < 500; d++) {
      int place = -1;
      int word = -1;
      int subject = -1;
      for (int id : grammar.next().ids()) {
        if (LEXICON.isPlace(id)) {
          place = id;
          word = -1;
          subject = -1;
        } else if (id == Lexicon.AND) {
          word = subject;
        } else if (LEXICON.isContent(id)) {
          if (word >= 0) {
            assertTrue(world.allows(place, word, id));
          }
          if (subject < 0 && id < LEXICON.firstVerb()) {
            subject = id;
          }
          word = id;
        }
      }
    }
  }

  @Test
  void noDocumentRepeatsWithinAStreamOrInAnother() {
    World world = world(7);
    Set<List<Integer>> seen = new HashSet<>();
    int documents = 20_000;
    for (long seed : new long[] {1, 2}) {
      Grammar grammar = new Grammar(world, new SplittableRandom(seed));
      for (int d = 0; d < documents; d++) {
        seen.add(Arrays.stream(grammar.next().ids()).boxed().toList());
      }
    }
    assertEquals(2 * documents, seen.size());
  }

  /** The bound that the class promises, and that no document is likelier. */
  @Test
  void noDocumentIsLikelierThanTwoToTheMinus163() {
    double least = -Grammar.SENTENCES * Math.log(Grammar.mostProbableSentence(LEXICON));
    assertTrue(least > 163 * Math.log(2), () -> least / Math.log(2) + " bits");
    Grammar grammar = grammar(8);
    for (int d = 0; d < 5_000; d++) {
      assertTrue(grammar.next().nats() >= least - 1e-9);
    }
  }

  /** −ln p against the frequencies that the stream itself shows. */
  @Test
  void theFloorIsTheEntropyOfTheChoices() {
    Grammar grammar = grammar(9);
    double nats = 0;
    long sentences = 0;
    long clauses = 0;
    Map<Integer, Integer> joints = new HashMap<>();
    for (int d = 0; d < 5_000; d++) {
      Grammar.Document document = grammar.next();
      nats += document.nats();
      for (int id : document.ids()) {
        joints.merge(id, 1, Integer::sum);
        sentences += id == Lexicon.IN ? 1 : 0;
        clauses += id == Lexicon.IN || id == Lexicon.WHO || id == Lexicon.AND ? 1 : 0;
      }
    }
    double follower = 0;
    for (double share : World.SHARES) {
      follower -= share * Math.log(share);
    }
    double entropy = 0;
    for (int id : new int[] {Lexicon.END_OF_SENTENCE, Lexicon.WHO, Lexicon.AND}) {
      double share = joints.get(id) / (double) clauses;
      entropy -= share * Math.log(share);
    }
    double expected =
        sentences * (Math.log(12.0 * 126) + follower) + clauses * (3 * follower + entropy);
    assertEquals(expected, nats, 0.005 * expected);
  }

  @Test
  void aSeedIsAWorldAndItsStream() {
    assertArrayEquals(grammar(1).next().ids(), grammar(1).next().ids());
    assertNotEquals(LEXICON.text(grammar(1).next().ids()), LEXICON.text(grammar(2).next().ids()));
  }

  @Test
  void followersOfAWordAreDifferentAndOfTheClassThatFollows() {
    World world = world(10);
    assertEquals(12 * (242 + 125 + 126), world.facts());
    for (int place = LEXICON.firstPlace(); place < LEXICON.firstNoun(); place++) {
      for (int word = LEXICON.firstNoun(); word < LEXICON.vocabSize(); word++) {
        Set<Integer> followers = new HashSet<>();
        for (int rank = 0; rank < World.SHARES.length; rank++) {
          int next = world.follower(place, word, rank);
          followers.add(next);
          boolean noun = next >= LEXICON.firstNoun() && next < LEXICON.firstVerb();
          boolean verb = next >= LEXICON.firstVerb() && next < LEXICON.firstAdjective();
          assertEquals(word >= LEXICON.firstAdjective(), noun);
          assertEquals(word < LEXICON.firstVerb(), verb);
        }
        assertEquals(World.SHARES.length, followers.size());
      }
    }
  }
}
