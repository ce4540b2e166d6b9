package dev.graft.text;

import dev.graft.checkpoint.InvalidInputException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;

/**
 * A dataset as consecutive windows of S tokens and the one that follows, over its concatenated
 * documents.
 */
final class Windows implements AutoCloseable {
  private final IndexedDataset tokens;
  private final int sequenceLength;

  private Windows(IndexedDataset tokens, int sequenceLength) {
    this.tokens = tokens;
    this.sequenceLength = sequenceLength;
  }

  static Windows open(Path prefix, int sequenceLength) throws IOException {
    IndexedDataset tokens = IndexedDataset.open(prefix);
    Windows windows = new Windows(tokens, sequenceLength);
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
    return tokens.masked();
  }

  /**
   * Writes window {@code index} as row {@code row} of the arrays. The mask is the targets'; the
   * documents are the ids'.
   */
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
      tokens.copyMask(from + 1, sequenceLength, mask.get(), at);
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
  }
}
