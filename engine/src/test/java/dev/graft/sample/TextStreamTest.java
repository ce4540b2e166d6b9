package dev.graft.sample;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.graft.peers.Shared;
import dev.graft.text.Tokenizer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.OptionalInt;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class TextStreamTest {
  private static final String[] WORDS = {
    "Paris",
    " ",
    "é",
    "ß",
    "漢字",
    "👩‍👩‍👧",
    "🇫🇷",
    "Ж",
    "\n",
    "\t",
    "ا",
    "x",
    "  ",
    "naïve",
    "𝄞",
    "'s",
    "0"
  };

  private static String text(SplittableRandom random) {
    StringBuilder text = new StringBuilder();
    for (int i = random.nextInt(40); i >= 0; i--) {
      text.append(WORDS[random.nextInt(WORDS.length)]);
    }
    return text.toString();
  }

  /**
   * Of texts and of random tokens.
   *
   * @param from the first random one. Tokens of sentencepiece that stand for one byte are decoded
   *     all together as soon as one of them is wrong, also those long given out.
   */
  private static void piecesAreTheText(Path model, int from) throws IOException {
    SplittableRandom random = new SplittableRandom(1);
    try (Tokenizer tokenizer = Tokenizer.open(model)) {
      for (int trial = 0; trial < 300; trial++) {
        int[] ids =
            trial % 3 == 0
                ? random.ints(60, from, tokenizer.vocabSize()).toArray() // mostly not UTF-8
                : tokenizer.encode(text(random));
        TextStream stream = new TextStream(tokenizer);
        StringBuilder all = new StringBuilder();
        for (int id : ids) {
          String piece = stream.add(id);
          assertFalse(trial % 3 != 0 && piece.contains("\uFFFD"), piece);
          assertFalse(
              !piece.isEmpty() && Character.isHighSurrogate(piece.charAt(piece.length() - 1)));
          all.append(piece);
        }
        all.append(stream.finish());
        assertEquals(tokenizer.decode(ids), all.toString());
      }
    }
  }

  @Test
  void sentencepiece() throws IOException {
    piecesAreTheText(Shared.path("models/stories260k"), 259);
  }

  @Test
  void bytePairs() throws IOException {
    piecesAreTheText(Shared.smollm2(), 3);
  }

  /** Whatever the pieces are, all before the first stop string comes out, and nothing after. */
  @Test
  void stopStrings() {
    SplittableRandom random = new SplittableRandom(2);
    int stopped = 0;
    for (int trial = 0; trial < 5_000; trial++) {
      String text = letters(random, 30);
      List<String> stops =
          IntStream.range(0, random.nextInt(4)).mapToObj(i -> letters(random, 5)).toList();
      StopStrings filter = new StopStrings(stops);
      StringBuilder out = new StringBuilder();
      int end = expectedEnd(text, stops);
      for (int at = 0; at < text.length(); ) {
        int to = Math.min(text.length(), at + 1 + random.nextInt(4));
        out.append(filter.add(text.substring(at, to)));
        assertTrue(text.startsWith(out.toString()));
        assertTrue(out.length() <= end);
        at = to;
      }
      out.append(filter.finish());
      assertEquals(text.substring(0, end), out.toString(), () -> text + " " + stops);
      assertEquals(stops.stream().anyMatch(text::contains), filter.stopped());
      stopped += filter.stopped() ? 1 : 0;
    }
    assertTrue(stopped > 500 && stopped < 4_500);
  }

  /** By trying every place: the first at which a stop string ends, and the longest of those. */
  private static int expectedEnd(String text, List<String> stops) {
    for (int end = 0; end <= text.length(); end++) {
      String until = text.substring(0, end);
      OptionalInt longest = stops.stream().filter(until::endsWith).mapToInt(String::length).max();
      if (longest.isPresent()) {
        return end - longest.getAsInt();
      }
    }
    return text.length();
  }

  private static String letters(SplittableRandom random, int most) {
    StringBuilder text = new StringBuilder();
    for (int i = random.nextInt(most); i >= 0; i--) {
      text.append((char) ('a' + random.nextInt(3)));
    }
    return text.toString();
  }

  @Test
  void aWriterEndsAtAnEndTokenOrAStopString() throws IOException {
    try (Tokenizer tokenizer = Tokenizer.open(Shared.path("models/stories260k"))) {
      int[] ids = tokenizer.encode("Once upon a time there was a cat");
      int end = tokenizer.eosId().orElseThrow();
      StringBuilder out = new StringBuilder();
      TextWriter writer =
          new TextWriter(
              new Sampler(SamplingOptions.GREEDY, new int[0]),
              tokenizer,
              Set.of(end),
              List.of("e was"),
              out::append);
      boolean last = false;
      for (int i = 0; i < ids.length && !last; i++) {
        last = writer.choose(row(tokenizer, ids[i])).last();
      }
      writer.finish();
      assertTrue(last);
      assertEquals("Once upon a time ther", out.toString());

      out.setLength(0);
      TextWriter other =
          new TextWriter(
              new Sampler(SamplingOptions.GREEDY, new int[0]),
              tokenizer,
              Set.of(end),
              List.of(),
              out::append);
      assertFalse(other.choose(row(tokenizer, ids[0])).last());
      assertTrue(other.choose(row(tokenizer, end)).last());
      other.finish();
      assertEquals(tokenizer.decode(new int[] {ids[0]}), out.toString());
      assertEquals(2, other.tokens());
    }
  }

  private static float[] row(Tokenizer tokenizer, int id) {
    float[] logits = new float[tokenizer.vocabSize()];
    logits[id] = 1;
    return logits;
  }
}
