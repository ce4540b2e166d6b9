package dev.graft.demo;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.graft.text.IndexedDataset;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CorpusTest {
  @Test
  void theStreamsShareNoDocument(@TempDir Path directory) throws IOException {
    Corpus corpus = Corpus.write(directory, Lexicon.bundled(), 1, 300_000, 200_000, 20_000);
    Set<List<Long>> documents = new HashSet<>();
    int count = 0;
    for (Path prefix : List.of(corpus.pretraining(), corpus.continuation(), corpus.validation())) {
      try (IndexedDataset dataset = IndexedDataset.open(prefix)) {
        count += dataset.documents();
        for (int d = 0; d < dataset.documents(); d++) {
          documents.add(document(dataset, d));
        }
      }
    }
    assertTrue(count > 2_500, count + " documents");
    assertEquals(count, documents.size());
  }

  @Test
  void theFloorIsThatOfTheValidationTokens(@TempDir Path directory) throws IOException {
    Corpus corpus = Corpus.write(directory, Lexicon.bundled(), 2, 1_000, 1_000, 400_000);
    // per sentence ln(12 · 126), per clause three followers and one of three joints, one follower
    // more
    double follower = -0.7 * Math.log(0.7) - 0.2 * Math.log(0.2) - 0.1 * Math.log(0.1);
    double joint = -0.5 * Math.log(0.5) - 0.5 * Math.log(0.25);
    double sentence = Math.log(12 * 126) + follower + 2 * (3 * follower + joint);
    double tokens = 5 + 2 * 5.0 + 1.0 / Grammar.SENTENCES;
    assertEquals(sentence / tokens, corpus.floor(), 0.01);
  }

  private static List<Long> document(IndexedDataset dataset, int d) {
    long end = d + 1 < dataset.documents() ? dataset.start(d + 1) : dataset.tokens();
    long[] ids = new long[(int) (end - dataset.start(d))];
    dataset.copy(dataset.start(d), ids.length, ids, 0);
    return Arrays.stream(ids).boxed().toList();
  }
}
