package dev.graft.demo;

import dev.graft.checkpoint.Checkpoint;
import dev.graft.checkpoint.InvalidInputException;
import dev.graft.text.ChatTemplate;
import dev.graft.text.DocumentReader;
import dev.graft.text.DocumentTokenizer;
import dev.graft.text.IndexedDataset;
import dev.graft.text.IndexedDatasetWriter;
import dev.graft.text.TokenizeRun;
import dev.graft.text.Tokenizer;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * Real text for a given model: every {@value #HELD_OUT}th document is held out, so that validation
 * is like training whatever the order of the files.
 *
 * @param tokens prefix of the training tokens
 * @param validation prefix of the held-out tokens
 * @param trainingTokens how many there are to train on
 * @param prompt the first words of the first held-out document
 */
record GivenText(Path tokens, Path validation, long trainingTokens, String prompt) {
  static final int HELD_OUT = 20;

  private static final int PROMPT_TOKENS = 8;

  /** Tokenizes the files with the model's own tokenizer. */
  static GivenText write(Path directory, Path model, List<Path> files) throws IOException {
    int vocabSize;
    try (Checkpoint checkpoint = Checkpoint.open(model)) {
      vocabSize = checkpoint.spec().vocabSize();
    }
    Path all = directory.resolve("text");
    Path tokens = directory.resolve("continuation");
    Path validation = directory.resolve("validation");
    try (Tokenizer tokenizer = Tokenizer.open(model)) {
      TokenizeRun.run(
          new TokenizeRun.Options(
              files,
              DocumentReader.Split.BLANK_LINE,
              "text",
              Runtime.getRuntime().availableProcessors()),
          new DocumentTokenizer(tokenizer, template(model), true),
          vocabSize,
          all,
          _ -> {});
      long trainingTokens = split(all, tokens, validation, Optional.of(vocabSize));
      Path mask = suffixed(all, ".loss_mask");
      if (Files.exists(suffixed(mask, ".idx"))) {
        split(
            mask,
            suffixed(tokens, ".loss_mask"),
            suffixed(validation, ".loss_mask"),
            Optional.empty());
      }
      return new GivenText(tokens, validation, trainingTokens, prompt(tokenizer, validation));
    }
  }

  private static Optional<ChatTemplate> template(Path model) throws IOException {
    try {
      return Optional.of(ChatTemplate.open(model));
    } catch (InvalidInputException e) {
      // Text needs none; a conversation says so itself.
      return Optional.empty();
    }
  }

  /**
   * Deals out documents and deletes the source; returns the tokens kept for training.
   *
   * @param vocabSize empty for a dataset of bytes
   */
  private static long split(Path from, Path training, Path heldOut, Optional<Integer> vocabSize)
      throws IOException {
    long kept;
    try (IndexedDataset dataset = IndexedDataset.open(from);
        IndexedDatasetWriter train = writer(training, vocabSize);
        IndexedDatasetWriter validate = writer(heldOut, vocabSize)) {
      if (dataset.documents() < HELD_OUT) {
        throw new InvalidInputException(
            "--text: there are "
                + dataset.documents()
                + " documents (separated by blank lines in a .txt), too few to hold one in "
                + HELD_OUT
                + " out for validation; give more text");
      }
      for (int d = 0; d < dataset.documents(); d++) {
        boolean hold = d % HELD_OUT == HELD_OUT - 1;
        (hold ? validate : train).add(document(dataset, d));
      }
      kept = train.tokens();
      train.commit();
      validate.commit();
    }
    Files.delete(suffixed(from, ".bin"));
    Files.delete(suffixed(from, ".idx"));
    return kept;
  }

  private static IndexedDatasetWriter writer(Path prefix, Optional<Integer> vocabSize)
      throws IOException {
    return vocabSize.isPresent()
        ? IndexedDatasetWriter.create(prefix, vocabSize.get())
        : IndexedDatasetWriter.bytes(prefix);
  }

  private static String prompt(Tokenizer tokenizer, Path validation) throws IOException {
    try (IndexedDataset dataset = IndexedDataset.open(validation)) {
      int[] first = document(dataset, 0);
      return tokenizer.decode(Arrays.copyOf(first, Math.min(PROMPT_TOKENS, first.length)));
    }
  }

  private static int[] document(IndexedDataset dataset, int d) {
    long end = d + 1 < dataset.documents() ? dataset.start(d + 1) : dataset.tokens();
    long[] ids = new long[Math.toIntExact(end - dataset.start(d))];
    dataset.copy(dataset.start(d), ids.length, ids, 0);
    return Arrays.stream(ids).mapToInt(Math::toIntExact).toArray();
  }

  private static Path suffixed(Path prefix, String suffix) {
    return prefix.resolveSibling(prefix.getFileName() + suffix);
  }
}
