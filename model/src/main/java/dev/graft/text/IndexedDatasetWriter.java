package dev.graft.text;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/**
 * Writes Megatron-Core's indexed dataset, one sequence a document, streaming. Lengths wait in a
 * file of their own, so that memory does not grow with the text; both files take their names at
 * {@link #commit}.
 */
public final class IndexedDatasetWriter implements AutoCloseable {
  private static final int BUFFER = 1 << 20;

  private final Path prefix;
  private final TokenType type;
  private final Path binPart;
  private final Path lengthsPart;
  private final Path idxPart;
  private final FileChannel bin;
  private final FileChannel lengths;
  private final ByteBuffer tokenBuffer =
      ByteBuffer.allocateDirect(BUFFER).order(ByteOrder.LITTLE_ENDIAN);
  private final ByteBuffer lengthBuffer =
      ByteBuffer.allocateDirect(BUFFER).order(ByteOrder.LITTLE_ENDIAN);
  private long documents;
  private long tokens;

  private IndexedDatasetWriter(Path prefix, TokenType type) throws IOException {
    this.prefix = prefix;
    this.type = type;
    String part = ".part-" + ProcessHandle.current().pid();
    this.binPart = IndexedDataset.sibling(prefix, ".bin" + part);
    this.lengthsPart = IndexedDataset.sibling(prefix, ".lengths" + part);
    this.idxPart = IndexedDataset.sibling(prefix, ".idx" + part);
    Files.createDirectories(prefix.toAbsolutePath().getParent());
    this.bin = open(binPart);
    this.lengths = open(lengthsPart);
  }

  /** A dataset of token ids below {@code vocabSize}. */
  public static IndexedDatasetWriter create(Path prefix, int vocabSize) throws IOException {
    return new IndexedDatasetWriter(prefix, TokenType.forVocabulary(vocabSize));
  }

  /** A dataset of bytes: a loss mask beside the tokens. */
  public static IndexedDatasetWriter bytes(Path prefix) throws IOException {
    return new IndexedDatasetWriter(prefix, TokenType.UINT8);
  }

  private static FileChannel open(Path file) throws IOException {
    return FileChannel.open(
        file,
        StandardOpenOption.CREATE,
        StandardOpenOption.TRUNCATE_EXISTING,
        StandardOpenOption.READ,
        StandardOpenOption.WRITE);
  }

  /** Adds a document. */
  public void add(int[] ids) throws IOException {
    for (int id : ids) {
      if (tokenBuffer.remaining() < 8) {
        drain(tokenBuffer, bin);
      }
      type.put(tokenBuffer, id);
    }
    if (lengthBuffer.remaining() < 4) {
      drain(lengthBuffer, lengths);
    }
    lengthBuffer.putInt(ids.length);
    documents++;
    tokens += ids.length;
  }

  /** Documents so far. */
  public long documents() {
    return documents;
  }

  /** Tokens so far. */
  public long tokens() {
    return tokens;
  }

  /** Writes the index, syncs both files and gives them their names. */
  public void commit() throws IOException {
    drain(tokenBuffer, bin);
    drain(lengthBuffer, lengths);
    bin.force(true);
    try (FileChannel idx = open(idxPart)) {
      ByteBuffer out = ByteBuffer.allocateDirect(BUFFER).order(ByteOrder.LITTLE_ENDIAN);
      out.put(IndexedDataset.MAGIC)
          .putLong(1)
          .put(type.code())
          .putLong(documents)
          .putLong(documents + 1);
      drain(out, idx);
      lengths.position(0);
      for (long done = 0; done < documents * 4; ) {
        done += lengths.transferTo(done, documents * 4 - done, idx);
      }
      writePointers(idx, out);
      for (long d = 0; d <= documents; d++) {
        if (out.remaining() < 8) {
          drain(out, idx);
        }
        out.putLong(d);
      }
      drain(out, idx);
      idx.force(true);
    }
    Files.move(binPart, IndexedDataset.sibling(prefix, ".bin"), StandardCopyOption.ATOMIC_MOVE);
    Files.move(idxPart, IndexedDataset.sibling(prefix, ".idx"), StandardCopyOption.ATOMIC_MOVE);
  }

  /** Byte position of each sequence. */
  private void writePointers(FileChannel idx, ByteBuffer out) throws IOException {
    ByteBuffer in = ByteBuffer.allocateDirect(BUFFER).order(ByteOrder.LITTLE_ENDIAN);
    long pointer = 0;
    for (long at = 0; at < documents * 4; ) {
      in.clear().limit((int) Math.min(BUFFER, documents * 4 - at));
      while (in.hasRemaining()) {
        at += lengths.read(in, at);
      }
      in.flip();
      while (in.hasRemaining()) {
        if (out.remaining() < 8) {
          drain(out, idx);
        }
        out.putLong(pointer);
        pointer += (long) in.getInt() * type.bytes();
      }
    }
  }

  private static void drain(ByteBuffer buffer, FileChannel channel) throws IOException {
    buffer.flip();
    while (buffer.hasRemaining()) {
      channel.write(buffer);
    }
    buffer.clear();
  }

  @Override
  public void close() throws IOException {
    bin.close();
    lengths.close();
    Files.deleteIfExists(lengthsPart);
    Files.deleteIfExists(binPart);
    Files.deleteIfExists(idxPart);
  }
}
