package dev.graft.demo;

import dev.graft.text.IndexedDatasetWriter;
import java.io.IOException;
import java.nio.file.Path;
import java.util.SplittableRandom;

/**
 * The corpus of a demo on disk, in streams that share the world and no document.
 *
 * @param world the facts it tells
 * @param tokenizer directory of {@code tokenizer.json}
 * @param pretraining prefix of the tokens for the dense model's first part
 * @param continuation prefix of the tokens that every arm sees
 * @param validation prefix of the held-out tokens
 * @param floor mean −ln p of the validation tokens under the grammar itself, which knows the world
 *     and each sentence from its start: no model's expected loss is below it
 */
record Corpus(
    World world,
    Path tokenizer,
    Path pretraining,
    Path continuation,
    Path validation,
    double floor) {
  /**
   * Writes it.
   *
   * @param seed of the world and of all streams
   * @param pretrainingTokens at least so many
   * @param continuationTokens at least so many
   * @param validationTokens at least so many
   */
  static Corpus write(
      Path directory,
      Lexicon lexicon,
      long seed,
      long pretrainingTokens,
      long continuationTokens,
      long validationTokens)
      throws IOException {
    // Split, not seeded one by one: generators of related seeds can run through the same numbers.
    SplittableRandom random = new SplittableRandom(seed);
    World world = new World(lexicon, random.split());
    Path tokenizer = directory.resolve("tokenizer");
    LexiconTokenizer.write(lexicon, tokenizer);
    Path pretraining = directory.resolve("pretraining");
    Path continuation = directory.resolve("continuation");
    Path validation = directory.resolve("validation");
    stream(pretraining, new Grammar(world, random.split()), pretrainingTokens);
    stream(continuation, new Grammar(world, random.split()), continuationTokens);
    double floor = stream(validation, new Grammar(world, random.split()), validationTokens);
    return new Corpus(world, tokenizer, pretraining, continuation, validation, floor);
  }

  /** Writes documents until there are enough tokens; returns the mean −ln p. */
  private static double stream(Path prefix, Grammar grammar, long tokens) throws IOException {
    int vocabSize = grammar.vocabSize();
    double nats = 0;
    try (IndexedDatasetWriter writer = IndexedDatasetWriter.create(prefix, vocabSize)) {
      while (writer.tokens() < tokens) {
        Grammar.Document document = grammar.next();
        writer.add(document.ids());
        nats += document.nats();
      }
      writer.commit();
      return nats / writer.tokens();
    }
  }
}
