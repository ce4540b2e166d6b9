package dev.graft.text;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Writes Megatron-Core's indexed dataset, one sequence a document, streaming: memory does not grow
 * with the text. The files take their names at {@link #commit}; closed before that, nothing is
 * left.
 *
 * <p>From the first document that has a loss mask on there is a second dataset of bytes beside the
 * tokens, {@code PREFIX.loss_mask.bin} and {@code .idx}, of the same shape.
 */
public final class IndexedDatasetWriter implements AutoCloseable {
  private final Path prefix;
  private final int vocabSize;
  private final SequenceFile tokens;
  private Optional<SequenceFile> mask = Optional.empty();

  private IndexedDatasetWriter(Path prefix, int vocabSize) throws IOException {
    this.prefix = prefix;
    this.vocabSize = vocabSize;
    this.tokens = new SequenceFile(prefix, TokenType.forVocabulary(vocabSize));
  }

  /** A dataset of token ids below {@code vocabSize}; folders of the prefix are made. */
  public static IndexedDatasetWriter create(Path prefix, int vocabSize) throws IOException {
    return new IndexedDatasetWriter(prefix, vocabSize);
  }

  /**
   * Adds a document, all of which is learned.
   *
   * @throws IllegalArgumentException if an id is not below the vocabulary's size
   */
  public void add(int[] ids) throws IOException {
    add(ids, Optional.empty());
  }

  /**
   * Adds a document.
   *
   * @param learned per token, whether it is one to predict; empty where all are
   * @throws IllegalArgumentException if an id is not below the vocabulary's size
   */
  public void add(int[] ids, Optional<boolean[]> learned) throws IOException {
    for (int id : ids) {
      if (id < 0 || id >= vocabSize) {
        throw new IllegalArgumentException(
            "token " + id + " is not in a vocabulary of " + vocabSize);
      }
    }
    if (learned.isPresent() && mask.isEmpty()) {
      mask = Optional.of(maskSoFar());
    }
    tokens.add(ids);
    if (mask.isPresent()) {
      int[] bits = new int[ids.length];
      for (int i = 0; i < bits.length; i++) {
        bits[i] = learned.isEmpty() || learned.get()[i] ? 1 : 0;
      }
      mask.get().add(bits);
    }
  }

  private SequenceFile maskSoFar() throws IOException {
    SequenceFile file = new SequenceFile(IndexedDataset.lossMask(prefix), TokenType.UINT8);
    try {
      tokens.forEachLength(length -> file.addConstant(1, length));
      return file;
    } catch (IOException e) {
      file.close();
      throw e;
    }
  }

  /** Documents so far. */
  public long documents() {
    return tokens.sequences();
  }

  /** Tokens so far. */
  public long tokens() {
    return tokens.elements();
  }

  /**
   * Brings everything to the disk and gives it its names, in the place of an earlier dataset of
   * this prefix. Cut short, it leaves no index of the tokens, so that new and old are never mixed.
   */
  public void commit() throws IOException {
    tokens.seal();
    if (mask.isPresent()) {
      mask.get().seal();
    }
    Files.deleteIfExists(IndexedDataset.sibling(prefix, ".idx"));
    Path maskPrefix = IndexedDataset.lossMask(prefix);
    Files.deleteIfExists(IndexedDataset.sibling(maskPrefix, ".idx"));
    Files.deleteIfExists(IndexedDataset.sibling(maskPrefix, ".bin"));
    if (mask.isPresent()) {
      mask.get().publish();
    }
    tokens.publish();
  }

  @Override
  public void close() throws IOException {
    try (tokens) {
      if (mask.isPresent()) {
        mask.get().close();
      }
    }
  }
}
