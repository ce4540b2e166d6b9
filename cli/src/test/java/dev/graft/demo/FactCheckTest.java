package dev.graft.demo;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

class FactCheckTest {
  private final Lexicon lexicon = Lexicon.bundled();
  private final World world = new World(lexicon, new SplittableRandom(1));

  private List<String> texts(World of, int documents) {
    Grammar grammar = new Grammar(of, new SplittableRandom(2));
    List<String> texts = new ArrayList<>();
    for (int d = 0; d < documents; d++) {
      texts.add(lexicon.text(grammar.next().ids()));
    }
    return texts;
  }

  @Test
  void theGrammarTellsNothingButFacts() {
    FactCheck check = FactCheck.of(world, texts(world, 50));
    assertEquals(check.told(), check.right());
    // four in a sentence's first clause, three in each that follows
    assertTrue(check.told() > 50 * Grammar.SENTENCES * 4, check.toString());
  }

  @Test
  void theFactsOfAnotherWorldAreWrong() {
    World other = new World(lexicon, new SplittableRandom(3));
    FactCheck check = FactCheck.of(world, texts(other, 50));
    assertTrue(check.right() < 0.05 * check.told(), check.toString());
  }

  @Test
  void aSentenceIsCheckedWordByWord() {
    int place = lexicon.firstPlace();
    int adjective = lexicon.firstAdjective();
    int noun = world.follower(place, adjective, 2);
    int verb = world.follower(place, noun, 0);
    int wrong = lexicon.firstAdjective();
    while (world.allows(place, verb, wrong)) {
      wrong++;
    }
    int[] ids = {
      Lexicon.IN,
      place,
      Lexicon.THE,
      adjective,
      noun,
      verb,
      Lexicon.THE,
      wrong,
      Lexicon.END_OF_SENTENCE
    };
    assertEquals(new FactCheck(2, 3), FactCheck.of(world, List.of(lexicon.text(ids))));
  }

  @Test
  void whatIsNoSentenceTellsNothing() {
    assertEquals(
        new FactCheck(0, 0), FactCheck.of(world, List.of("", "the abbot admires", "In Rome\n")));
  }
}
