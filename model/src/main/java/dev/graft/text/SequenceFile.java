package dev.graft.text;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;

/**
 * One {@code .bin} with its {@code .idx} while it is written: under temporary names until {@link
 * #publish}. Lengths wait in a file of their own, so that memory does not grow with their number.
 */
final class SequenceFile implements AutoCloseable {
  private static final int BUFFER = 1 << 20;

  private final Path prefix;
  private final TokenType type;
  private final Path binPart;
  private final Path lengthsPart;
  private final Path idxPart;
  private final FileChannel bin;
  private final FileChannel lengths;
  private final ByteBuffer elementBuffer = buffer();
  private final ByteBuffer lengthBuffer = buffer();
  private long sequences;
  private long elements;

  SequenceFile(Path prefix, TokenType type) throws IOException {
    this.prefix = prefix;
    this.type = type;
    String part = ".part-" + ProcessHandle.current().pid();
    binPart = IndexedDataset.sibling(prefix, ".bin" + part);
    lengthsPart = IndexedDataset.sibling(prefix, ".lengths" + part);
    idxPart = IndexedDataset.sibling(prefix, ".idx" + part);
    Files.createDirectories(prefix.toAbsolutePath().getParent());
    bin = open(binPart);
    lengths = open(lengthsPart);
  }

  private static ByteBuffer buffer() {
    return ByteBuffer.allocateDirect(BUFFER).order(ByteOrder.LITTLE_ENDIAN);
  }

  private static FileChannel open(Path file) throws IOException {
    return FileChannel.open(
        file,
        StandardOpenOption.CREATE,
        StandardOpenOption.TRUNCATE_EXISTING,
        StandardOpenOption.READ,
        StandardOpenOption.WRITE);
  }

  void add(int[] sequence) throws IOException {
    for (int element : sequence) {
      put(element);
    }
    end(sequence.length);
  }

  /** Adds a sequence of {@code length} times the same element. */
  void addConstant(int element, int length) throws IOException {
    for (int i = 0; i < length; i++) {
      put(element);
    }
    end(length);
  }

  private void put(int element) throws IOException {
    if (elementBuffer.remaining() < type.bytes()) {
      drain(elementBuffer, bin, binPart);
    }
    type.put(elementBuffer, element);
  }

  private void end(int length) throws IOException {
    if (lengthBuffer.remaining() < Integer.BYTES) {
      drain(lengthBuffer, lengths, lengthsPart);
    }
    lengthBuffer.putInt(length);
    sequences++;
    elements += length;
  }

  long sequences() {
    return sequences;
  }

  long elements() {
    return elements;
  }

  /** What hears of lengths. */
  interface LengthSink {
    void accept(int length) throws IOException;
  }

  /** Tells the lengths of all sequences so far, in order. */
  void forEachLength(LengthSink sink) throws IOException {
    drain(lengthBuffer, lengths, lengthsPart);
    ByteBuffer in = buffer();
    long end = sequences * Integer.BYTES;
    for (long at = 0; at < end; ) {
      in.clear().limit((int) Math.min(BUFFER, end - at));
      while (in.hasRemaining()) {
        if (lengths.read(in, at + in.position()) < 0) {
          throw new FileSystemException(
              lengthsPart.toString(), null, "something else cut it off while it was in use");
        }
      }
      at += in.position();
      in.flip();
      while (in.hasRemaining()) {
        sink.accept(in.getInt());
      }
    }
  }

  /** Writes the index and brings everything to the disk, still under temporary names. */
  void seal() throws IOException {
    drain(elementBuffer, bin, binPart);
    bin.force(true);
    try (FileChannel idx = open(idxPart)) {
      ByteBuffer out = buffer();
      // One sequence a document, so the documents end where the sequences do.
      out.put(IndexedDataset.MAGIC)
          .putLong(IndexedDataset.VERSION)
          .put(type.code())
          .putLong(sequences)
          .putLong(sequences + 1);
      forEachLength(length -> {
        if (out.remaining() < Integer.BYTES) {
          drain(out, idx, idxPart);
        }
        out.putInt(length);
      });
      long[] pointer = {0};
      forEachLength(length -> {
        putLong(out, pointer[0], idx);
        pointer[0] += (long) length * type.bytes();
      });
      for (long document = 0; document <= sequences; document++) {
        putLong(out, document, idx);
      }
      drain(out, idx, idxPart);
      idx.force(true);
    }
  }

  private void putLong(ByteBuffer out, long value, FileChannel idx) throws IOException {
    if (out.remaining() < Long.BYTES) {
      drain(out, idx, idxPart);
    }
    out.putLong(value);
  }

  /** Gives both files their names; {@link #seal} comes before. */
  void publish() throws IOException {
    Files.move(binPart, IndexedDataset.sibling(prefix, ".bin"), StandardCopyOption.ATOMIC_MOVE);
    Files.move(idxPart, IndexedDataset.sibling(prefix, ".idx"), StandardCopyOption.ATOMIC_MOVE);
    try (FileChannel folder =
        FileChannel.open(prefix.toAbsolutePath().getParent(), StandardOpenOption.READ)) {
      folder.force(true);
    }
  }

  private static void drain(ByteBuffer buffer, FileChannel channel, Path file) throws IOException {
    buffer.flip();
    try {
      while (buffer.hasRemaining()) {
        channel.write(buffer);
      }
    } catch (IOException e) {
      FileSystemException named = new FileSystemException(file.toString(), null, e.getMessage());
      named.initCause(e);
      throw named;
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
