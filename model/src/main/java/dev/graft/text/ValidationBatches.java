package dev.graft.text;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;

/** The whole windows of a dataset in order; the last tokens that fill none are left out. */
public final class ValidationBatches implements AutoCloseable {
  private final Windows windows;
  private final int sequenceLength;
  private final boolean maskDocuments;

  private ValidationBatches(Windows windows, int sequenceLength, boolean maskDocuments) {
    this.windows = windows;
    this.sequenceLength = sequenceLength;
    this.maskDocuments = maskDocuments;
  }

  /** Opens a dataset. */
  public static ValidationBatches open(Path tokens, int sequenceLength, boolean maskDocuments)
      throws IOException {
    return new ValidationBatches(
        Windows.open(tokens, sequenceLength), sequenceLength, maskDocuments);
  }

  /** How many sequences there are. */
  public long count() {
    return windows.count();
  }

  /** Sequences {@code from} … {@code from + size − 1}. */
  public Batch at(long from, int size) {
    int elements = size * sequenceLength;
    long[] ids = new long[elements];
    long[] targets = new long[elements];
    Optional<float[]> mask = windows.masked() ? Optional.of(new float[elements]) : Optional.empty();
    Optional<int[]> documents = maskDocuments ? Optional.of(new int[elements]) : Optional.empty();
    for (int row = 0; row < size; row++) {
      windows.copy(from + row, row, ids, targets, mask, documents);
    }
    return new Batch(size, sequenceLength, ids, targets, mask, documents);
  }

  @Override
  public void close() {
    windows.close();
  }
}
