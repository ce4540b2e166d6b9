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
          new DocumentTokenizer(tokenizer, ChatTemplate.find(model), true),
          vocabSize,
          all,
          TokenizeRun.Listener.SILENT);
      long trainingTokens = split(all, tokens, validation, vocabSize);
      return new GivenText(tokens, validation, trainingTokens, prompt(tokenizer, validation));
    }
  }

  /** Deals out documents and deletes the source; returns the tokens kept for training. */
  private static long split(Path from, Path training, Path heldOut, int vocabSize)
      throws IOException {
    long kept;
    try (IndexedDataset dataset = IndexedDataset.open(from);
        IndexedDatasetWriter train = IndexedDatasetWriter.create(training, vocabSize);
        IndexedDatasetWriter validate = IndexedDatasetWriter.create(heldOut, vocabSize)) {
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
        (hold ? validate : train).add(dataset.document(d), dataset.learned(d));
      }
      kept = train.tokens();
      train.commit();
      validate.commit();
    }
    for (String suffix : List.of(".idx", ".bin", ".loss_mask.idx", ".loss_mask.bin")) {
      Files.deleteIfExists(from.resolveSibling(from.getFileName() + suffix));
    }
    return kept;
  }

  private static String prompt(Tokenizer tokenizer, Path validation) throws IOException {
    try (IndexedDataset dataset = IndexedDataset.open(validation)) {
      int[] first = dataset.document(0);
      return tokenizer.decode(Arrays.copyOf(first, Math.min(PROMPT_TOKENS, first.length)));
    }
  }
}
