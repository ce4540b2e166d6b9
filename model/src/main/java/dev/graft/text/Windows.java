package dev.graft.text;

import dev.graft.checkpoint.InvalidInputException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Optional;

/**
 * A dataset as consecutive windows of S tokens and the one that follows, over its concatenated
 * documents.
 */
final class Windows implements AutoCloseable {
  private final IndexedDataset tokens;
  private final Optional<IndexedDataset> lossMask;
  private final int sequenceLength;

  private Windows(IndexedDataset tokens, Optional<IndexedDataset> lossMask, int sequenceLength) {
    this.tokens = tokens;
    this.lossMask = lossMask;
    this.sequenceLength = sequenceLength;
  }

  @SuppressWarnings("MustBeClosedChecker") // the windows close it
  static Windows open(Path prefix, int sequenceLength) throws IOException {
    IndexedDataset tokens = IndexedDataset.open(prefix);
    Path mask = IndexedDataset.lossMask(prefix);
    Optional<IndexedDataset> lossMask =
        Files.exists(IndexedDataset.sibling(mask, ".idx"))
            ? Optional.of(IndexedDataset.open(mask))
            : Optional.empty();
    Windows windows = new Windows(tokens, lossMask, sequenceLength);
    if (lossMask.isPresent() && lossMask.get().tokens() != tokens.tokens()) {
      windows.close();
      throw new InvalidInputException(
          mask + ".bin: the loss mask does not fit the tokens; tokenize the text again");
    }
    if (windows.count() == 0) {
      long there = tokens.tokens();
      windows.close();
      throw new InvalidInputException(
          prefix
              + ".bin: "
              + there
              + " tokens are fewer than one sequence of "
              + sequenceLength
              + " and its next token; take more text or a smaller sequence_length");
    }
    return windows;
  }

  /** Whole windows. */
  long count() {
    return Math.max(0, (tokens.tokens() - 1) / sequenceLength);
  }

  boolean masked() {
    return lossMask.isPresent();
  }

  /** Writes window {@code index} as row {@code row} of the arrays. */
  void copy(
      long index,
      int row,
      long[] ids,
      long[] targets,
      Optional<float[]> mask,
      Optional<int[]> documents) {
    long from = index * sequenceLength;
    int at = row * sequenceLength;
    tokens.copy(from, sequenceLength, ids, at);
    tokens.copy(from + 1, sequenceLength, targets, at);
    if (mask.isPresent()) {
      if (lossMask.isPresent()) {
        long[] counts = new long[sequenceLength];
        lossMask.get().copy(from + 1, sequenceLength, counts, 0);
        for (int i = 0; i < sequenceLength; i++) {
          mask.get()[at + i] = counts[i];
        }
      } else {
        Arrays.fill(mask.get(), at, at + sequenceLength, 1f);
      }
    }
    if (documents.isPresent()) {
      int document = tokens.documentOf(from);
      int first = document;
      for (int i = 0; i < sequenceLength; i++) {
        while (document + 1 < tokens.documents() && tokens.start(document + 1) <= from + i) {
          document++;
        }
        documents.get()[at + i] = document - first;
      }
    }
  }

  @Override
  public void close() {
    tokens.close();
    lossMask.ifPresent(IndexedDataset::close);
  }
}
