package dev.graft.text;

import dev.graft.checkpoint.InvalidInputException;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.Optional;

/**
 * Megatron-Core's indexed dataset, mapped: {@code PREFIX.bin} holds the tokens of all sequences,
 * {@code PREFIX.idx} their type, lengths and positions, and of which sequences the documents are
 * made. What Graft writes has one sequence a document; a dataset of Megatron's with several
 * (sentences) is read as well. Safe to use from several threads.
 */
public final class IndexedDataset implements AutoCloseable {
  static final byte[] MAGIC = {'M', 'M', 'I', 'D', 'I', 'D', 'X', 0, 0};
  static final long VERSION = 1;
  private static final long HEADER = MAGIC.length + 8L + 1 + 8 + 8;
  static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final Path prefix;
  private final Arena arena;
  private final TokenType type;
  private final MemorySegment tokens;
  private final long[] starts;
  private final Optional<IndexedDataset> lossMask;

  private IndexedDataset(
      Path prefix,
      Arena arena,
      TokenType type,
      MemorySegment tokens,
      long[] starts,
      Optional<IndexedDataset> lossMask) {
    this.prefix = prefix;
    this.arena = arena;
    this.type = type;
    this.tokens = tokens;
    this.starts = starts;
    this.lossMask = lossMask;
  }

  /**
   * Opens {@code prefix.bin} and {@code prefix.idx}, and the loss mask beside them if there is one.
   *
   * @throws InvalidInputException if they are missing or do not fit together
   */
  public static IndexedDataset open(Path prefix) throws IOException {
    Path maskPrefix = lossMask(prefix);
    if (!Files.exists(sibling(maskPrefix, ".idx"))) {
      return open(prefix, Optional.empty());
    }
    IndexedDataset mask = open(maskPrefix, Optional.empty());
    try {
      IndexedDataset tokens = open(prefix, Optional.of(mask));
      if (!Arrays.equals(mask.starts, tokens.starts)) {
        tokens.arena.close();
        throw new InvalidInputException(
            sibling(maskPrefix, ".idx")
                + ": the loss mask does not fit the tokens; tokenize the text again");
      }
      return tokens;
    } catch (IOException | RuntimeException e) {
      mask.close();
      throw e;
    }
  }

  @SuppressWarnings("MustBeClosedChecker") // the dataset closes it
  private static IndexedDataset open(Path prefix, Optional<IndexedDataset> lossMask)
      throws IOException {
    Path idx = sibling(prefix, ".idx");
    Path bin = sibling(prefix, ".bin");
    for (Path file : new Path[] {idx, bin}) {
      if (!Files.isRegularFile(file)) {
        throw new InvalidInputException(
            file
                + ": there is no such file; make it with 'graft tokenize FILES… --tokenizer DIR --out "
                + prefix
                + "'");
      }
    }
    Arena arena = Arena.ofShared();
    try {
      MemorySegment index = map(idx, arena);
      MemorySegment data = map(bin, arena);
      if (index.byteSize() < HEADER
          || !Arrays.equals(index.asSlice(0, MAGIC.length).toArray(ValueLayout.JAVA_BYTE), MAGIC)
          || index.get(LONG, MAGIC.length) != VERSION) {
        throw new InvalidInputException(
            idx + ": this is not a Megatron index of version 1; tokenize the text again");
      }
      TokenType type = TokenType.ofCode(idx, index.get(ValueLayout.JAVA_BYTE, MAGIC.length + 8L));
      long[] starts = starts(idx, index, type);
      if (starts[starts.length - 1] * type.bytes() != data.byteSize()) {
        throw new InvalidInputException(
            bin
                + ": the index counts "
                + starts[starts.length - 1]
                + " tokens but the file holds "
                + data.byteSize() / type.bytes()
                + "; tokenize the text again");
      }
      return new IndexedDataset(prefix, arena, type, data, starts, lossMask);
    } catch (IOException | RuntimeException e) {
      arena.close();
      throw e;
    }
  }

  /** First token of each document, and the end of the last. */
  private static long[] starts(Path idx, MemorySegment index, TokenType type) {
    long sequences = index.get(LONG, MAGIC.length + 9L);
    long boundaries = index.get(LONG, MAGIC.length + 17L);
    if (sequences < 0
        || boundaries < 1
        || sequences > index.byteSize()
        || boundaries > index.byteSize()
        || index.byteSize() < HEADER + sequences * 12 + boundaries * 8) {
      throw new InvalidInputException(idx + ": the index is truncated; tokenize the text again");
    }
    long pointers = HEADER + sequences * 4;
    long documents = pointers + sequences * 8;
    long[] starts = new long[Math.toIntExact(boundaries)];
    int document = 0;
    long token = 0;
    for (long sequence = 0; ; sequence++) {
      while (document < boundaries && index.get(LONG, documents + document * 8L) == sequence) {
        starts[document++] = token;
      }
      if (sequence == sequences) {
        break;
      }
      int length = index.get(INT, HEADER + sequence * 4);
      if (length < 0 || index.get(LONG, pointers + sequence * 8) != token * type.bytes()) {
        throw new InvalidInputException(
            idx
                + ": sequence "
                + sequence
                + " does not begin where the one before it ends; tokenize the text again");
      }
      token += length;
    }
    if (document != boundaries || starts[0] != 0 || starts[starts.length - 1] != token) {
      throw new InvalidInputException(
          idx
              + ": the documents do not cover the sequences from the first to the last; tokenize the text again");
    }
    return starts;
  }

  /** Where the loss mask of the tokens of a prefix is. */
  static Path lossMask(Path prefix) {
    return sibling(prefix, ".loss_mask");
  }

  /** {@code PREFIX} with a suffix to its last name. */
  static Path sibling(Path prefix, String suffix) {
    return prefix.resolveSibling(prefix.getFileName() + suffix);
  }

  private static MemorySegment map(Path file, Arena arena) throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      return channel.size() == 0
          ? MemorySegment.NULL
          : channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size(), arena);
    }
  }

  public Path prefix() {
    return prefix;
  }

  /** How many documents. */
  public int documents() {
    return starts.length - 1;
  }

  /** Tokens of all documents. */
  public long tokens() {
    return starts[starts.length - 1];
  }

  /** First token of a document. */
  public long start(int document) {
    return starts[document];
  }

  /** The document that a token belongs to. */
  public int documentOf(long token) {
    int at = Arrays.binarySearch(starts, token);
    int document = at >= 0 ? at : -at - 2;
    // Of empty documents that start there, the last is the one that has the token.
    while (document + 1 < starts.length - 1 && starts[document + 1] <= token) {
      document++;
    }
    return document;
  }

  /** Copies {@code length} consecutive tokens. */
  public void copy(long from, int length, long[] into, int at) {
    for (int i = 0; i < length; i++) {
      into[at + i] = type.get(tokens, from + i);
    }
  }

  /** Whether there is a loss mask. */
  public boolean masked() {
    return lossMask.isPresent();
  }

  /**
   * Copies 1 for each of {@code length} consecutive tokens that is learned and 0 for the others.
   */
  void copyMask(long from, int length, float[] into, int at) {
    for (int i = 0; i < length; i++) {
      into[at + i] =
          lossMask.isPresent() ? lossMask.get().type.get(lossMask.get().tokens, from + i) : 1;
    }
  }

  /** The tokens of a document. */
  public int[] document(int document) {
    int[] ids = new int[Math.toIntExact(starts[document + 1] - starts[document])];
    for (int i = 0; i < ids.length; i++) {
      ids[i] = (int) type.get(tokens, starts[document] + i);
    }
    return ids;
  }

  /** Per token of a document, whether it is learned; empty where there is no loss mask. */
  public Optional<boolean[]> learned(int document) {
    return lossMask.map(mask -> {
      int[] bits = mask.document(document);
      boolean[] learned = new boolean[bits.length];
      for (int i = 0; i < bits.length; i++) {
        learned[i] = bits[i] != 0;
      }
      return learned;
    });
  }

  @Override
  public void close() {
    arena.close();
    lossMask.ifPresent(IndexedDataset::close);
  }
}
